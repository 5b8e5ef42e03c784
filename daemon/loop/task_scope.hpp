#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <millrace/loop/event_loop.hpp>

namespace millrace::loop {

/// A group of tasks that is joined before its owner is destroyed. An exception of a task is logged as `task_failed`
/// when the task ends, and `join` rethrows the first one. (A cancelled task that ends with operation_aborted has not
/// failed.) Spawned coroutines take parameters by value, or references only to objects that outlive the scope.
///
/// Owned by the code that spawns; loop thread only. Requires: empty when destroyed. An owner that is a task and may be
/// cancelled while it joins awaits `ignore_cancellation()`, cancels the scope and joins again.
class task_scope {
 public:
  /// `tasks_max` limits the scope: `spawn` asserts it. Callers ask `full()` first where clients decide the number.
  explicit task_scope(event_loop& loop, std::size_t tasks_max = 100'000);
  ~task_scope();
  task_scope(const task_scope&) = delete;
  task_scope& operator=(const task_scope&) = delete;

  /// Starts `work` soon, never inside this call. `name` is shown in the list of tasks, in logs of stalls and in
  /// metrics.
  task_id spawn(std::string name, awaitable<> work);

  /// Cancels all tasks: the next await of each throws. A task that has not had its first turn never starts.
  void cancel();
  /// Waits until all have ended. Afterwards new tasks may be spawned.
  awaitable<> join();

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] bool full() const noexcept;

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::loop
