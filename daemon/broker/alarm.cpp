#include "broker/alarm.hpp"

#include <utility>

namespace millrace::broker {

alarm::alarm(loop::event_loop& loop, std::function<instant()> work)
    : loop_{loop}, work_{std::move(work)}, timer_{loop, [this] { ring(); }}, turns_{loop, 1} {}

void alarm::ring() {
  set_to_ = never;
  catching_up_ = true;
  const auto next = work_();
  if (next > loop_.now()) {
    catching_up_ = false;
    set(next);
    return;
  }
  turns_.spawn("alarm", catch_up());
}

loop::awaitable<> alarm::catch_up() {
  try {
    auto next = instant::min();
    while (next <= loop_.now() && !closed_) {
      co_await loop::yield(loop_);
      if (closed_) co_return;
      next = work_();
    }
    catching_up_ = false;
    set(next);
  } catch (...) {
    // Whoever cancelled this task did not mean time to stop: the timer takes over again.
    catching_up_ = false;
    set(loop_.now());
    throw;
  }
}

void alarm::arm(instant next) {
  if (closed_) return;
  set_to_ = next;
  timer_.set(next);
}

void alarm::close() noexcept {
  closed_ = true;
  timer_.clear();
}

}  // namespace millrace::broker
