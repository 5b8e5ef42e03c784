#include "broker/deadline_timer.hpp"

#include <utility>

namespace millrace::broker {

deadline_timer::deadline_timer(loop::event_loop& loop, std::function<instant()> run_due)
    : loop_{loop}, run_due_{std::move(run_due)}, timer_{loop, [this] { on_due(); }}, turns_{loop, 1} {}

void deadline_timer::on_due() {
  set_to_ = never;
  catching_up_ = true;
  const auto next = run_due_();
  if (next > loop_.now()) {
    catching_up_ = false;
    set(next);
    return;
  }
  turns_.spawn("alarm", catch_up());
}

loop::awaitable<> deadline_timer::catch_up() {
  try {
    auto next = instant::min();
    while (next <= loop_.now() && !closed_) {
      co_await loop::yield(loop_);
      if (closed_) co_return;
      next = run_due_();
    }
    catching_up_ = false;
    set(next);
  } catch (...) {
    // A cancelled task must not stop the deadlines: the timer takes over again.
    catching_up_ = false;
    set(loop_.now());
    throw;
  }
}

void deadline_timer::arm(instant next) {
  if (closed_) return;
  set_to_ = next;
  timer_.set(next);
}

void deadline_timer::close() noexcept {
  closed_ = true;
  timer_.clear();
}

}  // namespace millrace::broker
