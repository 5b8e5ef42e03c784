#include <millrace/loop/wait_point.hpp>

#include <cassert>

#include "loop/parked.hpp"

namespace millrace::loop {

struct wait_point::waiter final : parked {
  waiter(wait_point& point, line_end end) noexcept : parked{point.loop_.core()}, at{&point}, where{end} {}

  void operator()(parked::handler&& waiting) {
    hold(std::move(waiting), at->what_);
    before = where == line_end::back ? at->last_ : nullptr;
    after = where == line_end::back ? nullptr : at->first_;
    (before == nullptr ? at->first_ : before->after) = this;
    (after == nullptr ? at->last_ : after->before) = this;
    ++at->waiting_;
  }

  void leave() noexcept override {
    (before == nullptr ? at->first_ : before->after) = after;
    (after == nullptr ? at->last_ : after->before) = before;
    --at->waiting_;
  }

  wait_point* at;
  line_end where;
  waiter* before{nullptr};
  waiter* after{nullptr};
};

wait_point::wait_point(event_loop& loop, std::string_view what) : loop_{loop}, what_{what} {}

wait_point::~wait_point() { assert(waiting_ == 0); }

awaitable<> wait_point::wait(line_end where) { return park(waiter{*this, where}); }

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
