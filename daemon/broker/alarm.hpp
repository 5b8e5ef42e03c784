#pragma once

#include <functional>

#include <millrace/base/time.hpp>
#include <millrace/loop/deadline.hpp>
#include <millrace/loop/event_loop.hpp>

#include "loop/task_scope.hpp"

namespace millrace::broker {

/// One timer, set to the engine's next deadline. When it rings, what is due is done in turns: one at once, the others
/// each after the loop had a turn for everybody else, so that 100,000 jobs that come due together hold nobody up.
///
/// Belongs to the broker, on the loop's thread. `close` lets the loop end; a task of turns under way ends at its next
/// turn.
class alarm {
 public:
  /// `work` does a bounded part of what is due now and says when the next is due.
  alarm(loop::event_loop& loop, std::function<instant()> work);

  /// Called after every command: the timer is touched only when the deadline has changed.
  void set(instant next) {
    if (next != set_to_ && !catching_up_) arm(next);
  }
  void close() noexcept;

 private:
  void arm(instant next);
  void ring();
  loop::awaitable<> catch_up();

  loop::event_loop& loop_;
  std::function<instant()> work_;
  loop::deadline timer_;
  loop::task_scope turns_;
  instant set_to_{never};
  bool catching_up_{false};
  bool closed_{false};
};

}  // namespace millrace::broker
