#pragma once

#include <memory>

#include <millrace/loop/event_loop.hpp>

#include "loop/child_launcher.hpp"
#include "loop/task_scope.hpp"
#include "offload/worker_counts.hpp"
#include "offload/worker_pool.hpp"

namespace millrace::offload {

/// Makes the pools of worker processes, counts for all of them, and keeps the tasks of workers that outlive their pool
/// while they end.
///
/// Owned by the program; loop thread only. Requires: `close` was awaited before it is destroyed, if a job ran.
class worker_host {
 public:
  worker_host(loop::event_loop& loop, loop::child_launcher& children);

  /// Starts nothing. Requires: the pool is closed before `close`.
  [[nodiscard]] std::shared_ptr<worker_pool> make_pool(worker_settings settings);
  /// Returns when the last worker is gone: at the latest after twice the longest `kill_after`.
  loop::awaitable<> close() { return tasks_.join(); }
  [[nodiscard]] const worker_counts& counts() const noexcept { return counts_; }

 private:
  loop::event_loop& loop_;
  loop::child_launcher& children_;
  loop::task_scope tasks_;
  worker_counts counts_;
};

}  // namespace millrace::offload
