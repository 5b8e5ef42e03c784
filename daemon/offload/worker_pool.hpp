#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/base/linked_list.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "loop/child_launcher.hpp"
#include "loop/task_scope.hpp"
#include "offload/thread_pool.hpp"
#include "offload/worker_counts.hpp"
#include "offload/worker_request.hpp"

namespace millrace::offload {

class worker_process;

struct worker_settings {
  std::string name{};         ///< in the log; empty: that of the program, without its folder
  std::string description{};  ///< of one process, in errors; empty: "the worker " and the name
  loop::child_command command{};
  std::uint32_t workers{1};
  std::uint32_t in_flight{1};                        ///< jobs that one worker has at the same time
  std::size_t output_max{std::size_t{1024} * 1024};  ///< bytes of one line that a worker writes
  duration kill_after{seconds{5}};
  /// Instead of `kill_after` for a process that has nothing but abandoned jobs, because nobody loses by its end.
  std::optional<duration> kill_alone_after{};
  std::optional<std::uint64_t> recycle_after_jobs{};
  std::optional<duration> recycle_after{};
  /// A worker whose jobs are expected to take this long in all gets no further one; nullopt: `in_flight` is the limit.
  std::optional<duration> work_in_hand{};
  /// Bytes of memory of a process and what it has started. One that needs more is killed. Its job fails; of
  /// several jobs nobody can tell whose memory it is, and all are interrupted.
  std::optional<std::uint64_t> memory_max{};
  /// Processor time that a process and its group use between the begin and the end of one job, for whatever purpose.
  /// A process that uses more is ended. That job fails, and the others that it has are interrupted.
  std::optional<duration> cpu_max{};
  /// The names of these two settings, for errors. They outlive the pool.
  std::string_view memory_setting{"memory_max"};
  std::string_view cpu_setting{"cpu_max"};
  bool cancels{false};  ///< workers understand that a job is cancelled (wire/worker_frame.hpp)
};

/// The parts of the program that pools use. They outlive the loop's tasks.
struct worker_context {
  loop::event_loop& loop;
  loop::child_launcher& children;
  loop::task_scope& tasks;  ///< where the supervisors of workers run
  worker_counts& counts;
  thread_pool* threads{nullptr};  ///< for lines of more than `on_loop_bytes_max`; null: they stay on the loop
};

/// Long-lived processes of one command that work on jobs (wire/worker_frame.hpp). The first job starts all `workers`.
/// One that ends is replaced, after a pause that grows while none of its jobs is answered (base/restart_pause.hpp).
/// A job goes to the worker with the fewest jobs, or waits, in the order of arrival, until one can take it.
///
/// Owned by a handler and by the tasks of its workers; loop thread only. `close` ends the workers; the tasks in
/// `worker_context::tasks` end when the last one is gone.
class worker_pool : public std::enable_shared_from_this<worker_pool> {
 public:
  worker_pool(const worker_context& context, worker_settings settings);
  ~worker_pool();
  worker_pool(const worker_pool&) = delete;
  worker_pool& operator=(const worker_pool&) = delete;

  /// Suspends until the task has its answer. When the caller is cancelled, the task is withdrawn. Its worker is
  /// then ended at once if `in_flight` is 1 and `cancels` is false. Otherwise the worker has `kill_after` to answer
  /// (`kill_alone_after` if all its jobs are withdrawn), and its answer is dropped.
  loop::awaitable<worker_answer> run(worker_task task);
  /// Workers get the end of their standard input, and end. Requires: nobody waits in `run`, and nobody will.
  void close();

  // For workers.
  [[nodiscard]] const worker_context& context() const noexcept { return context_; }
  [[nodiscard]] const worker_settings& settings() const noexcept { return settings_; }
  [[nodiscard]] const std::string& name() const noexcept { return settings_.name; }
  [[nodiscard]] bool closing() const noexcept { return closing_; }
  /// Gives tasks that wait to the worker, as many as it can take.
  void offer(worker_process& worker);
  /// A worker could not be started. If no other one runs, one task that waits ends as interrupted.
  void note_start_failure(const std::string& problem);

 private:
  void start();
  void hand_over(worker_request& request, worker_process& worker);
  void withdraw(worker_request& request);

  worker_context context_;
  worker_settings settings_;
  std::vector<std::unique_ptr<worker_process>> workers_;  ///< empty until the first task
  linked_list<worker_request> waiting_;
  bool closing_{false};
};

}  // namespace millrace::offload
