#include <millrace/loop/blocking_lane.hpp>

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
#include "loop/quiet_thread.hpp"

namespace millrace::loop {

namespace {

struct one_call {
  std::function<result<std::string>()> what;
  std::optional<result<std::string>> answer;
  std::atomic<bool> withdrawn{false};  ///< the caller is gone: not worth beginning
  parked* caller{nullptr};             ///< loop thread
};
using call_ptr = std::shared_ptr<one_call>;

/// What the thread keeps alive when it is left behind in a call.
struct lane_side {
  std::mutex lock;
  std::condition_variable wanted;
  std::condition_variable returned;
  std::deque<call_ptr> waiting;
  std::vector<call_ptr> done;
  bool in_a_call{false};
  bool ended{false};
  mailbox* to_loop{nullptr};  ///< null once it was left behind
};

void make(one_call& call) noexcept {
  if (call.withdrawn.load(std::memory_order_relaxed)) {
    call.answer.emplace(error{errc::cancelled, "the caller has gone"});
    return;
  }
  try {
    call.answer.emplace(call.what());
  } catch (const std::exception& e) {
    call.answer.emplace(error{errc::io, e.what()});
  } catch (...) {
    call.answer.emplace(error{errc::io, "the call threw something that is no std::exception"});
  }
  call.what = nullptr;  // what it owned may go on the thread that used it
}

void serve(lane_side& lane) {
  std::unique_lock hold{lane.lock};
  for (;;) {
    lane.wanted.wait(hold, [&] { return lane.ended || !lane.waiting.empty(); });
    if (lane.waiting.empty()) return;
    call_ptr call = std::move(lane.waiting.front());
    lane.waiting.pop_front();
    lane.in_a_call = true;
    hold.unlock();
    make(*call);
    hold.lock();
    lane.in_a_call = false;
    lane.returned.notify_all();
    lane.done.push_back(std::move(call));
    if (lane.to_loop != nullptr) lane.to_loop->ring();
  }
}

}  // namespace

struct blocking_lane::parts {
  parts(event_loop& of, const std::string& name) : loop{of} {
    lane->to_loop = &from_lane;
    thread = quiet_thread(name, [lane_ = lane] { serve(*lane_); });
  }

  /// The caller of one call, until it has its answer.
  struct caller final : parked {
    caller(parts& in, call_ptr its) : parked{in.loop.core()}, lane{&in}, call{std::move(its)} {}

    void operator()(parked::handler&& suspended) {
      hold(std::move(suspended), "a blocking call");
      call->caller = this;
      [[maybe_unused]] const bool entered = lane->callers.try_enter();
      assert(entered);  // `run` has asked
      lane->line.push_back(call);
      lane->hand_over();
    }
    void leave() noexcept override {
      call->caller = nullptr;
      call->withdrawn.store(true, std::memory_order_relaxed);
      std::erase(lane->line, call);
      lane->caller_gone();
    }

    parts* lane;
    call_ptr call;
  };

  /// From the callers' line to the thread, as far as there are places.
  void hand_over() {
    while (!line.empty() && under_way < calls_max) {
      ++under_way;
      const std::lock_guard hold{lane->lock};
      lane->waiting.push_back(std::move(line.front()));
      line.pop_front();
      lane->wanted.notify_one();
    }
  }

  void deliver() {
    std::vector<call_ptr> done;
    {
      const std::lock_guard hold{lane->lock};
      done.swap(lane->done);
    }
    under_way -= done.size();
    for (const call_ptr& call : done) answered(*call);
    hand_over();
  }

  void answered(one_call& call) {
    if (call.caller == nullptr) return;
    std::exchange(call.caller, nullptr)->wake();
    caller_gone();
  }

  void close() {
    if (!callers.close()) return;
    for (const call_ptr& call : std::exchange(line, {})) {
      call->answer.emplace(error{errc::cancelled, "the blocking lane is closed"});
      answered(*call);
    }
    close_when_empty();
  }

  void caller_gone() {
    callers.leave();
    close_when_empty();
  }

  void close_when_empty() {
    if (callers.closed() && callers.inside() == 0) from_lane.close();
  }

  event_loop& loop;
  std::deque<call_ptr> line;  ///< wait for a place; as many as there are callers suspended
  gate callers{loop, "blocking calls to return"};
  std::size_t under_way{0};  ///< calls handed to the thread and not delivered back
  mailbox from_lane{loop, [this] { deliver(); }};
  std::shared_ptr<lane_side> lane{std::make_shared<lane_side>()};
  std::thread thread;
};

blocking_lane::blocking_lane(event_loop& loop, std::string name) : parts_{std::make_unique<parts>(loop, name)} {}

blocking_lane::~blocking_lane() {
  close();
  assert(parts_->callers.inside() == 0);
  lane_side& lane = *parts_->lane;
  bool left_behind = false;
  {
    std::unique_lock hold{lane.lock};
    lane.ended = true;
    lane.waiting.clear();
    lane.wanted.notify_one();
    left_behind = !lane.returned.wait_for(hold, patience, [&] { return !lane.in_a_call; });
    lane.to_loop = nullptr;
  }
  if (left_behind) {
    parts_->thread.detach();
  } else {
    parts_->thread.join();
  }
}

awaitable<result<std::string>> blocking_lane::run(std::function<result<std::string>()> call) {
  if (parts_->callers.closed()) co_return error{errc::cancelled, "the blocking lane is closed"};
  const call_ptr its = std::make_shared<one_call>();
  its->what = std::move(call);
  parts::caller waiter{*parts_, its};
  co_await park(std::move(waiter));
  co_return std::move(*its->answer);
}

void blocking_lane::close() { parts_->close(); }

}  // namespace millrace::loop
