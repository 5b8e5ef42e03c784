#pragma once

#include <exception>
#include <memory>
#include <string>

#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/wait_point.hpp>

#include "loop/signals.hpp"
#include "loop/task_scope.hpp"
#include "service/arguments.hpp"
#include "service/daemon.hpp"
#include "service/progress.hpp"
#include "service/service_report.hpp"
#include "service/stuck_queues.hpp"
#include "settings/settings.hpp"
#include "telemetry/run_result.hpp"

namespace millrace::service {

/// Starts the parts of the daemon, and ends them in order:
///
///     open -+-> running -+-- no work left (--until-idle) -------------------+-> close -> the loop ends
///           |            '-- SIGTERM, SIGINT -> drain -+-- done, or timeout -+
///           |                                          '-- second signal ----+
///           '-- SIGTERM, SIGINT during recovery ----------------------------'
///
/// Draining: producers stop, no job is reserved, and the jobs that consumers and clients hold may be finished until
/// `drain_timeout`. One log record says how many were finished, how many became ready again, and how many are left.
/// SIGHUP reloads the settings (service/reload.hpp). SIGUSR1: puts of clients are refused, and producers end.
///
/// Owned by `run`, for one run. Everything except `run` happens on the loop.
///
/// The process ends even when draining or closing hangs: `close_timeout` after the end of `drain_timeout`, or after
/// closing began, or `stop_timeout` after a second signal; each with exit code 1.
class lifecycle {
 public:
  static constexpr duration close_timeout = seconds{10};
  static constexpr duration stop_timeout = seconds{3};
  /// The same signal within this time counts once: `timeout` sends it to the process and to its group.
  static constexpr duration signal_repeat = milliseconds{100};
  static constexpr duration queue_check_interval = seconds{1};

  /// Requires: both outlive this object.
  lifecycle(daemon& parts, const arguments& arguments);

  /// Runs the daemon from its start to its end.
  exit_code run();
  /// After `run`, with `--until-idle`: the summary of the run.
  [[nodiscard]] const std::string& summary() const noexcept { return summary_; }

 private:
  loop::awaitable<> run_all();
  loop::awaitable<> run_all_or_exit();
  loop::awaitable<> run_until_stopped();
  loop::awaitable<> close();
  loop::awaitable<> handle_signals();
  loop::awaitable<> wait_until_idle();
  loop::awaitable<> check_queues();
  /// Runs `work`. Its exception ends the run.
  loop::awaitable<> watch(loop::awaitable<> work);
  loop::awaitable<> drain();
  loop::awaitable<> drain_work();
  loop::awaitable<> drain_clients();
  [[nodiscard]] std::uint64_t finished_by_consumers() const;

  /// Returns without an error, and `opened_` false, when a signal stops it.
  loop::awaitable<result<>> open();
  void on_stop_signal(int number);
  /// Ends the process: `failure` stopped the loop or the lifecycle, so nothing can be closed in order.
  [[noreturn]] void exit_after(const std::exception& failure);
  void begin_progress();
  void fail(exit_code code, std::string_view event, const std::string& message);
  void set_result(const telemetry::run_result& result);
  /// Sets `finished_` and `ready_again_`.
  void count_held_jobs();
  void log_drain();
  /// Requires: the store has closed.
  void log_durability();

  daemon& parts_;
  const arguments& arguments_;
  loop::signals signals_;
  loop::wait_point changed_;  ///< woken when a member below changes
  int stop_signals_{0};
  int last_stop_signal_{0};
  instant last_stop_at_{};
  bool opened_{false};
  bool idle_{false};
  bool blocked_{false};    ///< by what nothing will change: see stuck_queues::reason
  int pending_drains_{0};  ///< drains of consumers and of clients that have not ended
  bool drain_timed_out_{false};
  std::uint64_t held_jobs_{0};                  ///< jobs that were reserved when the drain began
  std::uint64_t finished_before_{0};            ///< jobs that consumers finished before the drain
  std::uint64_t finished_{0}, ready_again_{0};  ///< of the held jobs
  std::size_t cancelled_jobs_{0};
  std::string failure_;
  loop::task_scope watchers_;
  loop::task_scope main_task_;
  std::unique_ptr<progress> progress_;
  stuck_queues stuck_;
  service_report report_;
  instant began_at_{};
  exit_code code_{exit_code::done};
  std::string summary_;
};

}  // namespace millrace::service
