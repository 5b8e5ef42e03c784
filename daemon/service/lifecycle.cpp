#include "service/lifecycle.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <csignal>
#include <exception>
#include <utility>

#include <millrace/base/quantity.hpp>
#include <millrace/loop/deadline.hpp>

#include "base/log.hpp"
#include "base/system_message.hpp"
#include "loop/thrown.hpp"
#include "service/forced_exit.hpp"
#include "service/held_puts.hpp"
#include "telemetry/summary.hpp"

namespace millrace::service {
namespace {

const char* name_of_signal(int number) { return number == SIGINT ? "SIGINT" : "SIGTERM"; }

}  // namespace

lifecycle::lifecycle(daemon& parts, const arguments& arguments)
    : parts_{parts},
      arguments_{arguments},
      signals_{parts.loop(), {SIGTERM, SIGINT, SIGHUP, SIGUSR1}},
      changed_{parts.loop(), "the end"},
      watchers_{parts.loop()},
      main_task_{parts.loop()},
      stuck_{parts.broker()},
      report_{parts},
      began_at_{parts.loop().now()} {
  stuck_.watch(parts_.settings());
  parts_.reloads().set_on_phase([this](reloader::phase phase) {
    if (phase == reloader::phase::begins) return report_.reloading();
    stuck_.watch(parts_.settings());
    report_.reloaded();
  });
}

exit_code lifecycle::run() {
  try {
    main_task_.spawn("lifecycle", run_all_or_exit());
    parts_.loop().run();
  } catch (const std::exception& failure) {
    exit_after(failure);
  }
  return code_;
}

void lifecycle::exit_after(const std::exception& failure) {
  const auto code = opened_ ? exit_code::failed : exit_code::could_not_start;
  fail(code, opened_ ? "failed" : "could_not_start", message_of(failure));
  exit_without_closing(code);
}

loop::awaitable<> lifecycle::run_all_or_exit() {
  try {
    co_await run_all();
  } catch (const std::exception& failure) {
    exit_after(failure);
  }
}

loop::awaitable<> lifecycle::run_all() {
  watchers_.spawn("signals", watch(handle_signals()));
  if (const auto opened = co_await open(); !opened) {
    fail(exit_code::could_not_start, "could_not_start", opened.error().text);
  } else if (!opened_) {
    log::info("stopped", "stopped during recovery: the data on disk are unchanged");
  } else {
    // Close what was opened also after a failure, or the loop would not end.
    auto work = run_until_stopped();
    co_await watch(std::move(work));
  }
  parts_.work().stop();
  co_await close();
}

loop::awaitable<result<>> lifecycle::open() {
  auto opened = parts_.prepare();
  while (opened) {
    const auto recovered = parts_.recover_slice();
    if (!recovered) co_return recovered.error();
    if (*recovered) break;
    report_.recovering();
    // Let signals and HTTP requests be handled.
    co_await loop::yield(parts_.loop());
    if (stop_signals_ > 0) co_return opened;
  }
  if (opened) opened = parts_.open();
  if (!opened) co_return opened;
  opened_ = true;
  set_uncaught_exit_code(exit_code::failed);
  parts_.readiness().become_ready();
  report_.ready();
  watchers_.spawn("service report", watch(report_.run()));
  log::info("started", "millraced is running",
            {{"version", MILLRACE_VERSION},
             {"pid", static_cast<std::int64_t>(::getpid())},
             {"http", parts_.http_address()},
             {"beanstalk", parts_.beanstalk_address()},
             {"control", parts_.control_address()},
             {"settings", parts_.settings().file},
             {"producers", parts_.settings().producers.size()},
             {"consumers", parts_.settings().consumers.size()}});
  co_return opened;
}

loop::awaitable<> lifecycle::run_until_stopped() {
  if (effective_format(arguments_.format) != log_format::journald && status_line::is_possible_on(STDERR_FILENO))
    begin_progress();
  watchers_.spawn("stuck queues", watch(check_queues()));
  if (arguments_.until_idle) watchers_.spawn("until idle", watch(wait_until_idle()));
  while (!idle_ && !blocked_ && stop_signals_ == 0 && failure_.empty()) co_await changed_.wait();
  if (idle_) blocked_ = stuck_.check();  // the outcome of a group may wait for capacity
  if (blocked_ && failure_.empty()) {
    fail(exit_code::not_all_done, "held_up", stuck_.reason());
  } else if (!idle_ && failure_.empty()) {
    co_await drain();
  }
  if (arguments_.until_idle) {
    const telemetry::run_facts run{parts_.loop().now() - began_at_, served_queues(parts_.settings()), blocked_,
                                   parts_.loop().counts().lag};
    const auto write = arguments_.summary == summary_format::json ? telemetry::summary_json : telemetry::summary;
    summary_ = write(parts_.broker(), parts_.work(), run);
    if (idle_ && failure_.empty()) set_result(telemetry::result_of(parts_.broker(), parts_.work()));
  }
}

void lifecycle::begin_progress() {
  try {
    progress_ = std::make_unique<progress>(parts_.loop(), parts_.broker(), parts_.work(), STDERR_FILENO);
    progress_->begin();
  } catch (const std::exception& failure) {
    // Jobs do not depend on the progress line.
    log::warning("no_progress", "progress cannot be shown", {{"error", message_of(failure)}});
  }
}

loop::awaitable<> lifecycle::drain() {
  log::info("draining", "producers stop; jobs that are held may be finished",
            {{"drain_timeout", write_duration(parts_.settings().daemon.drain_timeout)}});
  report_.draining();
  // A computation whose step does not return cannot be cancelled.
  schedule_forced_exit(parts_.settings().daemon.drain_timeout + close_timeout);
  held_jobs_ = parts_.broker().engine().totals().reserved;
  finished_before_ = finished_by_consumers();
  parts_.begin_drain();
  pending_drains_ = 2;
  watchers_.spawn("drain", watch(drain_work()));
  watchers_.spawn("drain clients", watch(drain_clients()));
  while (pending_drains_ > 0 && stop_signals_ < 2 && failure_.empty()) co_await changed_.wait();
  if (pending_drains_ == 0) {
    log_drain();
  } else if (stop_signals_ >= 2) {
    fail(exit_code::failed, "stopped", "stopped at once by a second signal: running jobs were not finished");
  }
}

loop::awaitable<> lifecycle::drain_work() {
  std::exception_ptr failure;
  try {
    cancelled_jobs_ = co_await parts_.work().drain(parts_.settings().daemon.drain_timeout);
  } catch (...) {
    failure = std::current_exception();
  }
  // All tasks have ended, even if one of them failed.
  --pending_drains_;
  changed_.wake_all();
  if (failure) std::rethrow_exception(failure);
}

loop::awaitable<> lifecycle::drain_clients() {
  drain_timed_out_ = co_await parts_.drain_clients(parts_.settings().daemon.drain_timeout);
  --pending_drains_;
  changed_.wake_all();
}

std::uint64_t lifecycle::finished_by_consumers() const {
  std::uint64_t jobs = 0;
  for (const auto& consumer : parts_.work().consumers()) {
    for (const auto& count : consumer->outcomes) jobs += count.value();
    jobs -= consumer->outcomes[static_cast<std::size_t>(engine::outcome::cancelled)].value();
  }
  return jobs;
}

loop::awaitable<> lifecycle::wait_until_idle() {
  co_await parts_.work().idle();
  idle_ = true;
  changed_.wake_all();
}

loop::awaitable<> lifecycle::check_queues() {
  held_puts held{parts_.broker()};
  while (true) {
    co_await loop::sleep_for(parts_.loop(), queue_check_interval);
    // After a failure of the store no put is acknowledged and no job is finished, so the run would never be idle.
    if (arguments_.until_idle && failure_.empty() && parts_.broker().store_has_failed()) {
      failure_ = "the store has failed";
      changed_.wake_all();
      co_return;
    }
    co_await held.check(parts_.loop());
    const bool any_stuck = stuck_.check();
    if (!arguments_.until_idle) continue;
    const bool held_by_full_queues = any_stuck && parts_.work().held_by_full_queues();
    if (!held_by_full_queues && !parts_.work().waits_for_unserved_jobs()) continue;
    blocked_ = true;
    changed_.wake_all();
    co_return;
  }
}

loop::awaitable<> lifecycle::handle_signals() {
  while (true) {
    const int number = co_await signals_.next();
    if (number == SIGHUP) {
      parts_.reloads().request();
    } else if (number == SIGUSR1) {
      parts_.refuse_puts();
      parts_.readiness().become_refusing("SIGUSR1");
      log::info("refusing_puts", "puts are refused and producers end; everything else continues",
                {{"signal", "SIGUSR1"}});
    } else {
      on_stop_signal(number);
    }
  }
}

void lifecycle::on_stop_signal(int number) {
  const instant now = parts_.loop().now();
  if (number == last_stop_signal_ && now - last_stop_at_ < signal_repeat) return;
  last_stop_signal_ = number;
  last_stop_at_ = now;
  ++stop_signals_;
  log::info("signal", stop_signals_ == 1 ? "a signal asks to stop" : "a second signal asks to stop at once",
            {{"signal", name_of_signal(number)}});
  if (stop_signals_ == 1) parts_.readiness().become_draining(name_of_signal(number));
  if (stop_signals_ == 2) schedule_forced_exit(stop_timeout);
  changed_.wake_all();
}

loop::awaitable<> lifecycle::watch(loop::awaitable<> work) {
  std::exception_ptr thrown;
  try {
    co_await std::move(work);
  } catch (...) {
    thrown = std::current_exception();
  }
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  const bool cancelled = state.cancelled() != boost::asio::cancellation_type::none;
  if (thrown && !(cancelled && loop::is_cancellation(thrown))) failure_ = loop::text_of(thrown);
  changed_.wake_all();
}

loop::awaitable<> lifecycle::close() {
  report_.closing();
  if (stop_signals_ < 2) schedule_forced_exit(close_timeout);
  auto work_ends = parts_.work().join();
  co_await watch(std::move(work_ends));
  watchers_.cancel();
  auto watchers_end = watchers_.join();
  co_await watch(std::move(watchers_end));
  if (progress_) {
    auto progress_ends = progress_->end();
    co_await watch(std::move(progress_ends));
  }
  auto parts_close = parts_.close();
  co_await watch(std::move(parts_close));
  if (!failure_.empty()) fail(exit_code::failed, "failed", failure_);
  log_durability();
  // If a second signal interrupted the drain, the held jobs have been released by now.
  if (pending_drains_ > 0) count_held_jobs();
  log::info("ended", "millraced has ended",
            {{"exit_code", static_cast<int>(code_)}, {"finished", finished_}, {"ready_again", ready_again_}});
}

void lifecycle::set_result(const telemetry::run_result& result) {
  if (result.all_done()) return;
  code_ = exit_code::not_all_done;
  const auto count_of = [&](engine::outcome kind) { return result.outcomes[static_cast<std::size_t>(kind)]; };
  log::warning("not_all_done", "no work is left, but some jobs were not done",
               {{"failed", count_of(engine::outcome::failed)},
                {"timeout", count_of(engine::outcome::timeout)},
                {"buried", result.buried},
                {"dead_lettered", result.dead_lettered},
                {"rejected", result.rejected},
                {"producer_errors", result.producer_errors}});
}

void lifecycle::fail(exit_code code, std::string_view event, const std::string& message) {
  code_ = code;
  log::error(event, message);
}

void lifecycle::log_durability() {
  if (!opened_) return;  // no command was acknowledged
  const auto failure = parts_.broker().store_failure();
  if (!failure.empty()) {
    code_ = exit_code::failed;
    log::error("not_on_disk",
               "the store has failed: commands without a reply may be lost, and the last acknowledged commands of "
               "relaxed queues are not on disk",
               {{"error", failure}, {"acknowledged", parts_.broker().acknowledged_not_durable()}});
  } else if (parts_.settings().daemon.data_dir) {
    log::info("kept", "the jobs in durable queues are on disk", {{"data_dir", *parts_.settings().daemon.data_dir}});
  }
}

void lifecycle::count_held_jobs() {
  finished_ = finished_by_consumers() - finished_before_ + parts_.finished_by_clients();
  // No job was reserved during the drain, so a held job that was not finished is ready again.
  ready_again_ = held_jobs_ - std::min(held_jobs_, finished_);
}

void lifecycle::log_drain() {
  const auto& engine = parts_.broker().engine();
  std::vector<queue_id> queues;
  engine.list_queues(0, engine.queue_count(), queues);
  engine::queue_levels sum;
  for (const auto queue : queues) {
    const auto levels = engine.levels(queue);
    sum.ready += levels.ready;
    sum.delayed += levels.delayed;
    sum.buried += levels.buried;
  }
  count_held_jobs();
  const char* message =
      cancelled_jobs_ > 0 || drain_timed_out_ ? "drain_timeout is over: jobs that are still held become ready again"
      : sum.jobs() == 0                       ? "running jobs have ended; the queues are empty"
      : parts_.settings().daemon.data_dir     ? "running jobs have ended; durable queues are written to disk"
                                              : "running jobs have ended; the queues are in memory, so their "
                                                "jobs are lost";
  log::info("drained", message,
            {{"finished", finished_},
             {"ready_again", ready_again_},
             {"cancelled", cancelled_jobs_},
             {"ready", sum.ready},
             {"delayed", sum.delayed},
             {"buried", sum.buried}});
}

}  // namespace millrace::service
