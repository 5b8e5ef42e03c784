#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <millrace/base/ids.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/deadline.hpp>
#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/wait_point.hpp>

#include "base/restart_pause.hpp"
#include "loop/child_process.hpp"
#include "loop/trace_lane.hpp"
#include "offload/worker_counts.hpp"
#include "offload/worker_jobs.hpp"
#include "offload/worker_pool.hpp"
#include "offload/worker_request.hpp"
#include "offload/worker_streams.hpp"
#include "wire/worker_frame.hpp"

namespace millrace::offload {

/// One worker of a pool: a process that runs, or the pause before the next one.
///
/// A job that it has gets exactly one answer: that of the process, or how the process ended. What comes first counts.
/// The process is ended when it writes anything but answers for its jobs, does not read any more, or goes on with a job
/// that was withdrawn. A job whose answer is malformed fails; all others are interrupted. A process that has ended is
/// reaped with its group before the next one starts.
///
/// Owned by the pool; loop thread only. `run` is its task, which ends after `stop` when the pool closes.
class worker_process {
 public:
  worker_process(worker_pool& pool, std::string name);
  ~worker_process();
  worker_process(const worker_process&) = delete;
  worker_process& operator=(const worker_process&) = delete;

  /// `pool` keeps this object.
  loop::awaitable<> run(std::shared_ptr<worker_pool> pool);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] bool has_process() const noexcept { return phase_ != phase::none; }
  [[nodiscard]] bool has_capacity() const noexcept;
  /// It has capacity, and no earlier attempt of that job is left in it.
  [[nodiscard]] bool can_take(job_id job) const noexcept;
  [[nodiscard]] std::size_t jobs() const noexcept { return held_.size(); }
  /// Requires: `can_take`.
  void take(worker_request& request);
  /// The caller does not wait for the answer any more. Requires: this worker has the request.
  void abandon(worker_request& request);
  /// The process takes no further job, and gets the end of its input when it has answered those that it has.
  void stop();

 private:
  struct ending {
    worker_end reason{worker_end::exited};
    std::string text;
  };
  enum class phase : std::uint8_t {
    none,      ///< no process runs
    serving,   ///< it takes jobs
    stopping,  ///< it takes no job, and is replaced when it has none
    replaced,  ///< it gets the end of its input, and should end
    silent,    ///< it has closed its output or does not read, and most often ends now
    ending     ///< the daemon ends it: `ending_` says why
  };

  void begin(loop::child_process&& child);
  loop::awaitable<ending> serve();
  loop::awaitable<> pause(duration length);

  void apply(wire::worker_message&& message);
  void apply_malformed(const wire::worker_message& message);
  /// The job of a line that names none: of several jobs nobody can tell which one it is about.
  [[nodiscard]] std::size_t only_index() const noexcept { return held_.size() == 1 ? 0 : held_.size(); }
  void answer(std::size_t index, worker_answer&& answer);
  void remove(std::size_t index);
  /// `index`: of the job whose fault it is; that of none if there is no such job.
  void fail_protocol(const std::string& problem, std::size_t index);
  void end(worker_end reason, std::string text);
  /// The same, unless the process has ended by itself and what it left is still being read: how it ended says more.
  void end_running(worker_end reason, std::string text);
  /// Closes the input. A process that does not end then is ended after `kill_after`.
  void await_end(phase becoming);
  void watch_limits();
  void exceed_limit(const loop::exceeded_limit& found);
  void stop_taking();
  void follow_abandoned();
  [[nodiscard]] ending ending_of(const loop::child_exit& exit) const;
  void interrupt_all(const ending& ended);
  [[nodiscard]] std::string label() const;

  worker_pool& pool_;
  loop::event_loop& loop_;
  std::optional<loop::child_process> child_;
  std::optional<worker_streams> streams_;  ///< while there is a child
  phase phase_{phase::none};
  worker_jobs held_;
  loop::trace_lanes trace_rows_;
  std::string name_;                      ///< `worker NAME#n`, also that of its task
  instant busy_since_{};                  ///< while it has jobs
  std::uint64_t taken_{0}, answered_{0};  ///< jobs of this process
  job_id last_answered_{};
  ending ending_;
  loop::group_watch::entry watch_;  ///< of its limits; each job is a span
  loop::deadline abandoned_due_;    ///< an abandoned job was not answered in time
  loop::deadline end_due_;          ///< the process did not end by itself
  loop::deadline recycle_due_;      ///< the process is old enough
  loop::wait_point pause_over_;
};

}  // namespace millrace::offload
