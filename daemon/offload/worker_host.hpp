#pragma once

#include <memory>

#include <millrace/loop/event_loop.hpp>

#include "loop/child_launcher.hpp"
#include "loop/task_scope.hpp"
#include "offload/worker_counts.hpp"
#include "offload/worker_pool.hpp"

namespace millrace::offload {

/// Makes the pools of worker processes, counts for all of them, and keeps the tasks of workers that outlive their pool
/// while they end. One pool computes for all consumers with `run_on: processes`.
///
/// Owned by the program; loop thread only. Requires: `close` was awaited before it is destroyed, if a job ran.
class worker_host {
 public:
  /// `computing`: for `processes`. `threads`: for large bodies and answers; null, or outlives this object.
  worker_host(loop::event_loop& loop, loop::child_launcher& children, worker_settings computing,
              thread_pool* threads = nullptr);

  /// Starts nothing. Requires: the pool is closed before `close`.
  [[nodiscard]] std::shared_ptr<worker_pool> make_pool(worker_settings settings);
  /// The pool for computations. It starts its processes with the first one. Lives as long as the host.
  [[nodiscard]] worker_pool& processes() noexcept { return *processes_; }
  /// Returns when the last worker is gone: at the latest after twice the longest `kill_after`.
  /// Requires: no computation is in `processes`, and none will be.
  loop::awaitable<> close() {
    processes_->close();
    return tasks_.join();
  }
  [[nodiscard]] const worker_pool_counts& counts() const noexcept { return counts_; }

 private:
  loop::event_loop& loop_;
  loop::child_launcher& children_;
  thread_pool* threads_;
  loop::task_scope tasks_;
  worker_pool_counts counts_;
  std::shared_ptr<worker_pool> processes_;
};

}  // namespace millrace::offload
