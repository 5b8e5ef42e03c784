#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <millrace/loop/event_loop.hpp>

namespace millrace::loop {

/// Tasks that are joined before their owner dies. Spawned coroutines take their parameters by value, or references only
/// to what outlives the scope. A task's exception is logged when the task ends, as `task_failed`; `join` rethrows the
/// first one. (That a cancelled task ends with operation_aborted is no exception.)
///
/// Owned by whoever spawns; loop thread only. Asserts that it is empty when destroyed. An owner that is a task itself
/// and may be cancelled while it joins says `ignore_cancellation()`, cancels the scope and joins again.
class task_scope {
 public:
  /// `tasks_max` bounds the scope: `spawn` asserts below it; ask `full()` first where outsiders decide.
  explicit task_scope(event_loop& loop, std::size_t tasks_max = 100'000);
  ~task_scope();
  task_scope(const task_scope&) = delete;
  task_scope& operator=(const task_scope&) = delete;

  /// Starts `work` at the next turn under this name (shown in the list of tasks, in logs of stalls and in metrics).
  task_id spawn(std::string name, awaitable<> work);

  /// Asks all of them to end: the next await of each throws. One that has not had its first turn never begins.
  void cancel();
  /// Waits until all have ended. A scope that is joined may be spawned into again.
  awaitable<> join();

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] bool full() const noexcept;

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::loop
