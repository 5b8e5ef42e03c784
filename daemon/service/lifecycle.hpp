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

/// When the parts begin and end:
///
///     open -+-> running -+-- nothing left (--until-idle) ------------------------+-> close -> the loop runs out
///           |            '-- SIGTERM, SIGINT -> drain -+-- ended, or out of time -+
///           |                                          '-- second signal: stop ---+
///           '-- SIGTERM, SIGINT while recovering --------------------------------'
///
/// Draining: producers stop, no job is given to anybody, and those that consumers and clients have in hand may be
/// finished until `drain_timeout`; one line says how many were finished, how many became ready again, and what is left.
/// SIGHUP is answered with a line. SIGUSR1: puts of clients are refused from now on.
///
/// Owned by `main`, for one run; everything but `run` happens on the loop. Whatever hangs while closing, the process
/// ends: see `closing_patience`.
class lifecycle {
 public:
  /// How long closing may take once all work has ended, and once a second signal came; then the process leaves with
  /// 1, whatever still runs.
  static constexpr duration closing_patience = seconds{10};
  static constexpr duration stopping_patience = seconds{3};
  /// A signal that comes again within this time is the same one: `timeout` sends it to the process and to its group.
  static constexpr duration signal_echo = milliseconds{100};
  /// Between two looks at queues that are full and will not be emptied.
  static constexpr duration stuck_look_every = seconds{1};

  /// All three outlive it.
  lifecycle(daemon& parts, const settings::settings& settings, const arguments& arguments);

  /// From the start to the end of the program.
  exit_code run();
  /// After `run`, with `--until-idle`: the words at the end.
  [[nodiscard]] const std::string& summary() const noexcept { return summary_; }

 private:
  loop::awaitable<> live();
  loop::awaitable<> live_or_leave();
  loop::awaitable<> work_until_the_end();
  loop::awaitable<> close();
  loop::awaitable<> hear_signals();
  loop::awaitable<> wait_until_idle();
  loop::awaitable<> look_for_stuck_queues();
  /// Notes what `work` throws: it ends the run.
  loop::awaitable<> watched(loop::awaitable<> work);
  loop::awaitable<> drain();
  loop::awaitable<> drain_work();
  loop::awaitable<> drain_clients();
  [[nodiscard]] std::uint64_t finished_by_consumers() const;

  /// Gives up when asked to stop, without an error: then `opened_` is false.
  loop::awaitable<result<>> open();
  void asked_to_stop(int number);
  /// Ends the process: `failure` stopped the loop, or the lifecycle itself, so that nothing can be closed in order.
  [[noreturn]] void leave(const std::exception& failure);
  void begin_progress();
  void fail(exit_code code, std::string_view event, const std::string& sentence);
  void note_result(const telemetry::run_result& result);
  /// Sets `finished_` and `ready_again_`.
  void count_jobs_in_hand();
  void say_what_was_left();
  /// After the store has closed.
  void say_what_is_on_disk();

  daemon& parts_;
  const settings::settings& settings_;
  const arguments& arguments_;
  loop::signals signals_;
  loop::wait_point changed_;  ///< one of those below has changed
  int stops_asked_{0};
  int last_stop_signal_{0};
  instant last_stop_at_{};
  bool opened_{false};
  bool idle_{false};
  bool held_up_{false};  ///< by a full queue that will not be emptied
  int drains_left_{0};   ///< of consumers and of clients
  bool out_of_time_{false};
  std::uint64_t in_hand_{0};                    ///< jobs that were reserved when the drain began
  std::uint64_t finished_before_{0};            ///< by consumers, before the drain
  std::uint64_t finished_{0}, ready_again_{0};  ///< of the jobs in hand
  std::size_t cancelled_jobs_{0};
  std::string failure_;
  loop::task_scope watchers_;
  loop::task_scope life_;
  std::unique_ptr<progress> progress_;
  stuck_queues stuck_;
  service_report report_;
  instant began_at_{};
  exit_code code_{exit_code::done};
  std::string summary_;
};

}  // namespace millrace::service
