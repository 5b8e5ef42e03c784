#include <millrace/loop/wait_point.hpp>

#include <cassert>

#include "loop/parked.hpp"

namespace millrace::loop {

struct wait_point::waiter final : parked, list_link<waiter> {
  explicit waiter(wait_point& point) noexcept : parked{point.loop_.core()}, owner{&point} {}

  void operator()(parked::handler&& suspended) {
    hold(std::move(suspended), owner->waits_for_);
    owner->waiters_.push_back(*this);
  }

  void leave() noexcept override { owner->waiters_.remove(*this); }

  wait_point* owner;
};

wait_point::wait_point(event_loop& loop, std::string_view waits_for) : loop_{loop}, waits_for_{waits_for} {}

wait_point::~wait_point() { assert(waiters_.empty()); }

awaitable<> wait_point::wait() { return park(waiter{*this}); }

bool wait_point::wake_one() {
  assert(loop_.core().on_loop_thread());
  waiter* const first = waiters_.first();
  if (first == nullptr) return false;
  first->leave();
  first->wake();
  return true;
}

std::size_t wait_point::wake_all() {
  std::size_t woken = 0;
  while (wake_one()) ++woken;
  return woken;
}

}  // namespace millrace::loop
