#pragma once

#include <functional>

#include <millrace/base/time.hpp>
#include <millrace/loop/deadline.hpp>
#include <millrace/loop/event_loop.hpp>

#include "loop/task_scope.hpp"

namespace millrace::broker {

/// One timer, set to the engine's next deadline. When it fires, it runs what is due in turns: one at once, each further
/// one after the loop had a turn for others. So 100,000 jobs that are due together delay no other task.
///
/// Belongs to the broker, on the loop's thread. `close` lets the loop end; a task that still runs turns ends at its
/// next one.
class deadline_timer {
 public:
  /// `run_due` does a bounded part of what is due now and answers when the next is due.
  deadline_timer(loop::event_loop& loop, std::function<instant()> run_due);

  /// Called after every command: the timer is touched only when the deadline has changed.
  void set(instant next) {
    if (next != set_to_ && !catching_up_) arm(next);
  }
  void close() noexcept;

 private:
  void arm(instant next);
  void on_due();
  loop::awaitable<> catch_up();

  loop::event_loop& loop_;
  std::function<instant()> run_due_;
  loop::deadline timer_;
  loop::task_scope turns_;
  instant set_to_{never};
  bool catching_up_{false};
  bool closed_{false};
};

}  // namespace millrace::broker
