#include <millrace/loop/wait_point.hpp>

#include <cassert>

#include "loop/parked.hpp"

namespace millrace::loop {

struct wait_point::waiter final : parked {
  explicit waiter(wait_point& point) noexcept : parked{point.loop_.core()}, owner{&point} {}

  void operator()(parked::handler&& suspended) {
    hold(std::move(suspended), owner->waits_for_);
    before = owner->last_;
    (before == nullptr ? owner->first_ : before->after) = this;
    owner->last_ = this;
    ++owner->waiting_;
  }

  void leave() noexcept override {
    (before == nullptr ? owner->first_ : before->after) = after;
    (after == nullptr ? owner->last_ : after->before) = before;
    --owner->waiting_;
  }

  wait_point* owner;
  waiter* before{nullptr};
  waiter* after{nullptr};
};

wait_point::wait_point(event_loop& loop, std::string_view waits_for) : loop_{loop}, waits_for_{waits_for} {}

wait_point::~wait_point() { assert(waiting_ == 0); }

awaitable<> wait_point::wait() { return park(waiter{*this}); }

bool wait_point::wake_one() {
  assert(loop_.core().on_loop_thread());
  waiter* const next = first_;
  if (next == nullptr) return false;
  next->leave();
  next->wake();
  return true;
}

std::size_t wait_point::wake_all() {
  std::size_t woken = 0;
  while (wake_one()) ++woken;
  return woken;
}

}  // namespace millrace::loop
