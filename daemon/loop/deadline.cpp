#include <millrace/loop/deadline.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <cassert>
#include <exception>
#include <memory>

#include "loop/parked.hpp"
#include "loop/thrown.hpp"

namespace millrace::loop {

namespace {

struct sleeper final : parked {
  sleeper(loop_core& owner, instant until) noexcept : parked{owner}, core{&owner}, when{until} {}

  void operator()(parked::handler&& waiting) {
    hold(std::move(waiting), "sleep");
    entry.on_due = [this] { wake(); };
    core->deadlines.set(entry, when);
  }
  void leave() noexcept override { core->deadlines.clear(entry); }

  loop_core* core;
  instant when;
  due_entry entry;
};

struct yielder final : parked {
  explicit yielder(loop_core& core) noexcept : parked{core} {}

  void operator()(parked::handler&& waiting) {
    hold(std::move(waiting), "its turn");
    wake_behind();
  }
  void leave() noexcept override {}
};

/// The child of `with_timeout`, and its parent that waits for it to end.
struct child {
  explicit child(event_loop& owner) : loop{owner} {}

  struct parent final : parked {
    parent(child& started, awaitable<> body) : parked{started.loop.core()}, owned{&started}, work{std::move(body)} {}

    void operator()(parked::handler&& waiting) {
      hold(std::move(waiting), "work with a deadline");
      owned->parent_ = this;
      owned->start(std::move(work));
    }
    void leave() noexcept override {}
    /// Waits on, because the child must end first.
    void cancelled() override { owned->cancel(); }

    child* owned;
    awaitable<> work;
  };

  void start(awaitable<> work) {
    boost::asio::co_spawn(loop.get_executor(), std::move(work),
                          boost::asio::bind_cancellation_slot(stop.slot(), [this](std::exception_ptr e) {
                            thrown = std::move(e);
                            ended = true;
                            parent_->wake();
                          }));
  }

  void cancel() {
    if (!ended) stop.emit(boost::asio::cancellation_type::terminal);
  }

  event_loop& loop;
  boost::asio::cancellation_signal stop;
  parent* parent_{nullptr};
  std::exception_ptr thrown;
  bool ended{false};
  bool late{false};
};

}  // namespace

deadline::deadline(event_loop& loop, std::function<void()> on_due) : loop_{loop} { entry_.on_due = std::move(on_due); }

void deadline::set(instant when) {
  assert(loop_.core().on_loop_thread());
  loop_.core().deadlines.set(entry_, when);
}

void deadline::clear() noexcept {
  if (entry_.heap_index != due_entry::not_in_heap) loop_.core().deadlines.clear(entry_);
}

awaitable<> sleep_until(event_loop& loop, instant when) { return park(sleeper{loop.core(), when}); }

awaitable<> sleep_for(event_loop& loop, duration length) { return sleep_until(loop, after(loop.now(), length)); }

awaitable<> yield(event_loop& loop) { return park(yielder{loop.core()}); }

awaitable<bool> with_timeout(event_loop& loop, awaitable<void> work, instant when) {
  child running{loop};
  deadline limit{loop, [&running] {
                   running.late = true;
                   running.cancel();
                 }};
  limit.set(when);
  child::parent waiter{running, std::move(work)};
  co_await park(std::move(waiter));
  if (!running.thrown) co_return true;
  if (running.late && is_cancellation(running.thrown)) co_return false;
  std::rethrow_exception(running.thrown);
}

}  // namespace millrace::loop
