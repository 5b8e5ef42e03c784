#include <millrace/loop/io_thread.hpp>

#include <atomic>
#include <cassert>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "loop/gate.hpp"
#include "loop/mailbox.hpp"
#include "loop/parked.hpp"
#include "loop/signal_free_thread.hpp"

namespace millrace::loop {

namespace {

struct pending_call {
  std::function<result<std::string>()> function;
  std::optional<result<std::string>> answer;
  std::atomic<bool> withdrawn{false};  ///< the caller was cancelled: do not begin the call
  parked* caller{nullptr};             ///< loop thread
};
using call_ptr = std::shared_ptr<pending_call>;

/// The data that both threads use. A thread that is left behind keeps it alive.
struct shared_state {
  std::mutex lock;
  std::condition_variable wanted;
  std::condition_variable returned;
  std::deque<call_ptr> waiting;
  std::vector<call_ptr> done;
  bool in_a_call{false};
  bool ended{false};
  mailbox* to_loop{nullptr};  ///< null when the thread was left behind
};

void make(pending_call& call) noexcept {
  if (call.withdrawn.load(std::memory_order_relaxed)) {
    call.answer.emplace(error{errc::cancelled, "the caller was cancelled"});
    return;
  }
  try {
    call.answer.emplace(call.function());
  } catch (const std::exception& e) {
    call.answer.emplace(error{errc::io, e.what()});
  } catch (...) {
    call.answer.emplace(error{errc::io, "the call threw something that is no std::exception"});
  }
  call.function = nullptr;  // its data is destroyed on the thread that used it
}

void serve(shared_state& state) {
  std::unique_lock hold{state.lock};
  for (;;) {
    state.wanted.wait(hold, [&] { return state.ended || !state.waiting.empty(); });
    if (state.waiting.empty()) return;
    call_ptr call = std::move(state.waiting.front());
    state.waiting.pop_front();
    state.in_a_call = true;
    hold.unlock();
    make(*call);
    hold.lock();
    state.in_a_call = false;
    state.returned.notify_all();
    state.done.push_back(std::move(call));
    if (state.to_loop != nullptr) state.to_loop->ring();
  }
}

}  // namespace

struct io_thread::parts {
  parts(event_loop& owner, const std::string& name) : loop{owner} {
    state->to_loop = &from_thread;
    thread = signal_free_thread(name, [kept = state] { serve(*kept); });
  }

  /// The suspended caller of one call.
  struct caller final : parked {
    caller(parts& owner, call_ptr made) : parked{owner.loop.core()}, io{&owner}, call{std::move(made)} {}

    void operator()(parked::handler&& suspended) {
      hold(std::move(suspended), "a blocking call");
      call->caller = this;
      [[maybe_unused]] const bool entered = io->callers.try_enter();
      assert(entered);  // `run` has checked
      io->backlog.push_back(call);
      io->hand_over();
    }
    void leave() noexcept override {
      call->caller = nullptr;
      call->withdrawn.store(true, std::memory_order_relaxed);
      std::erase(io->backlog, call);
      io->caller_gone();
    }

    parts* io;
    call_ptr call;
  };

  /// Moves calls from the backlog to the thread, up to `calls_max`.
  void hand_over() {
    while (!backlog.empty() && handed_over < calls_max) {
      ++handed_over;
      const std::lock_guard hold{state->lock};
      state->waiting.push_back(std::move(backlog.front()));
      backlog.pop_front();
      state->wanted.notify_one();
    }
  }

  void deliver() {
    std::vector<call_ptr> done;
    {
      const std::lock_guard hold{state->lock};
      done.swap(state->done);
    }
    handed_over -= done.size();
    for (const call_ptr& call : done) answered(*call);
    hand_over();
  }

  void answered(pending_call& call) {
    if (call.caller == nullptr) return;
    std::exchange(call.caller, nullptr)->wake();
    caller_gone();
  }

  void close() {
    if (!callers.close()) return;
    for (const call_ptr& call : std::exchange(backlog, {})) {
      call->answer.emplace(error{errc::cancelled, "the I/O thread is closed"});
      answered(*call);
    }
    close_when_empty();
  }

  void caller_gone() {
    callers.leave();
    close_when_empty();
  }

  void close_when_empty() {
    if (callers.closed() && callers.inside() == 0) from_thread.close();
  }

  event_loop& loop;
  std::deque<call_ptr> backlog;  ///< not handed to the thread yet: one for each suspended caller, and those of `post`
  gate callers{loop, "blocking calls to return"};
  std::size_t handed_over{0};  ///< calls that the thread has, or whose answers are not delivered yet
  mailbox from_thread{loop, [this] { deliver(); }};
  std::shared_ptr<shared_state> state{std::make_shared<shared_state>()};
  std::thread thread;
  duration patience_left{patience};  ///< how long the destructor waits for a call
};

io_thread::io_thread(event_loop& loop, const std::string& name) : parts_{std::make_unique<parts>(loop, name)} {}

io_thread::~io_thread() {
  close();
  assert(parts_->callers.inside() == 0);
  shared_state& state = *parts_->state;
  bool left_behind = false;
  {
    std::unique_lock hold{state.lock};
    state.ended = true;
    state.waiting.clear();
    state.wanted.notify_one();
    left_behind = !state.returned.wait_for(hold, parts_->patience_left, [&] { return !state.in_a_call; });
    state.to_loop = nullptr;
  }
  if (left_behind) {
    parts_->thread.detach();
  } else {
    parts_->thread.join();
  }
}

void io_thread::abandon_call() noexcept { parts_->patience_left = duration::zero(); }

awaitable<result<std::string>> io_thread::run(std::function<result<std::string>()> call) {
  if (parts_->callers.closed()) co_return error{errc::cancelled, "the I/O thread is closed"};
  const call_ptr pending = std::make_shared<pending_call>();
  pending->function = std::move(call);
  parts::caller waiter{*parts_, pending};
  co_await park(std::move(waiter));
  co_return std::move(*pending->answer);
}

void io_thread::post(std::function<result<std::string>()> call) {
  if (parts_->callers.closed()) return;
  auto posted = std::make_shared<pending_call>();
  posted->function = std::move(call);
  parts_->backlog.push_back(std::move(posted));
  parts_->hand_over();
}

void io_thread::close() { parts_->close(); }

bool io_thread::busy() const {
  const std::lock_guard hold{parts_->state->lock};
  return parts_->state->in_a_call || !parts_->state->waiting.empty();
}

}  // namespace millrace::loop
