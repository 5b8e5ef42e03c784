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
#include "service/held_puts.hpp"
#include "service/last_resort.hpp"
#include "telemetry/summary.hpp"

namespace millrace::service {
namespace {

const char* name_of_signal(int number) { return number == SIGINT ? "SIGINT" : "SIGTERM"; }

std::vector<std::string> served_queues(const settings::settings& what) {
  std::vector<std::string> names;
  for (const auto& consumer : what.consumers)
    names.insert(names.end(), consumer.common.queue.begin(), consumer.common.queue.end());
  return names;
}

}  // namespace

lifecycle::lifecycle(daemon& parts, const settings::settings& settings, const arguments& arguments)
    : parts_{parts},
      settings_{settings},
      arguments_{arguments},
      signals_{parts.loop(), {SIGTERM, SIGINT, SIGHUP, SIGUSR1}},
      changed_{parts.loop(), "the end"},
      watchers_{parts.loop()},
      life_{parts.loop()},
      stuck_{parts.broker(), settings},
      report_{parts},
      began_at_{parts.loop().now()} {}

exit_code lifecycle::run() {
  try {
    life_.spawn("lifecycle", live_or_leave());
    parts_.loop().run();
  } catch (const std::exception& failure) {
    leave(failure);
  }
  return code_;
}

void lifecycle::leave(const std::exception& failure) {
  const auto code = opened_ ? exit_code::failed : exit_code::could_not_start;
  fail(code, opened_ ? "failed" : "could_not_start", message_of(failure));
  leave_without_closing(code);
}

loop::awaitable<> lifecycle::live_or_leave() {
  try {
    co_await live();
  } catch (const std::exception& failure) {
    leave(failure);
  }
}

loop::awaitable<> lifecycle::live() {
  watchers_.spawn("signals", watched(hear_signals()));
  if (const auto opened = co_await open(); !opened) {
    fail(exit_code::could_not_start, "could_not_start", opened.error().text);
  } else if (!opened_) {
    log::info("stopped", "stopped while recovering: what is on disk stays as it was");
  } else {
    // Whatever goes wrong here, what was opened is closed: otherwise the loop would run on.
    auto work = work_until_the_end();
    co_await watched(std::move(work));
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
    // Signals are heard, and HTTP is answered.
    co_await loop::yield(parts_.loop());
    if (stops_asked_ > 0) co_return opened;
  }
  if (opened) opened = parts_.open();
  if (!opened) co_return opened;
  opened_ = true;
  end_quietly_without_memory(exit_code::failed);
  parts_.control().become_ready();
  report_.ready();
  watchers_.spawn("service report", watched(report_.run()));
  log::info("started", "millraced is running",
            {{"version", MILLRACE_VERSION},
             {"pid", static_cast<std::int64_t>(::getpid())},
             {"http", parts_.http_address()},
             {"beanstalk", parts_.beanstalk_address()},
             {"settings", settings_.file},
             {"producers", settings_.producers.size()},
             {"consumers", settings_.consumers.size()}});
  co_return opened;
}

loop::awaitable<> lifecycle::work_until_the_end() {
  if (definite(arguments_.format) != log_format::journald && status_line::possible_on(STDERR_FILENO)) begin_progress();
  watchers_.spawn("stuck queues", watched(look_for_stuck_queues()));
  if (arguments_.until_idle) watchers_.spawn("until idle", watched(wait_until_idle()));
  while (!idle_ && !held_up_ && stops_asked_ == 0 && failure_.empty()) co_await changed_.wait();
  if (held_up_ && !idle_ && failure_.empty()) {
    fail(exit_code::not_all_done, "held_up",
         "nothing can go on: queue " + *stuck_.stuck().begin() + " is full and will not be emptied");
  } else if (!idle_ && failure_.empty()) {
    co_await drain();
  }
  if (arguments_.until_idle) {
    const telemetry::run_facts run{parts_.loop().now() - began_at_, served_queues(settings_), held_up_};
    const auto write = arguments_.summary == summary_format::json ? telemetry::summary_json : telemetry::summary;
    summary_ = write(parts_.broker(), parts_.work(), run);
    if (idle_ && failure_.empty()) note_result(telemetry::result_of(parts_.broker(), parts_.work()));
  }
}

void lifecycle::begin_progress() {
  try {
    progress_ = std::make_unique<progress>(parts_.loop(), parts_.broker(), parts_.work(), STDERR_FILENO);
    progress_->begin();
  } catch (const std::exception& failure) {
    // Work does not depend on it.
    log::warning("no_progress", "progress cannot be shown", {{"error", message_of(failure)}});
  }
}

loop::awaitable<> lifecycle::drain() {
  log::info("draining", "producers stop, jobs in hand may be finished",
            {{"drain_timeout", write_duration(settings_.daemon.drain_timeout)}});
  report_.draining();
  in_hand_ = parts_.broker().engine().totals().reserved;
  finished_before_ = finished_by_consumers();
  parts_.begin_drain();
  drains_left_ = 2;
  watchers_.spawn("drain", watched(drain_work()));
  watchers_.spawn("drain clients", watched(drain_clients()));
  while (drains_left_ > 0 && stops_asked_ < 2 && failure_.empty()) co_await changed_.wait();
  if (drains_left_ == 0) {
    say_what_was_left();
  } else if (stops_asked_ >= 2) {
    fail(exit_code::failed, "stopped", "stopped at once by a second signal: jobs that were running have not ended");
  }
}

loop::awaitable<> lifecycle::drain_work() {
  std::exception_ptr failure;
  try {
    cancelled_jobs_ = co_await parts_.work().drain(settings_.daemon.drain_timeout);
  } catch (...) {
    failure = std::current_exception();
  }
  // All tasks have ended also when one of them failed.
  --drains_left_;
  changed_.wake_all();
  if (failure) std::rethrow_exception(failure);
}

loop::awaitable<> lifecycle::drain_clients() {
  out_of_time_ = co_await parts_.drain_clients(settings_.daemon.drain_timeout);
  --drains_left_;
  changed_.wake_all();
}

std::uint64_t lifecycle::finished_by_consumers() const {
  std::uint64_t jobs = 0;
  for (const auto& one : parts_.work().consumers()) {
    for (const auto& count : one->outcomes) jobs += count.value();
    jobs -= one->outcomes[static_cast<std::size_t>(engine::outcome::cancelled)].value();
  }
  return jobs;
}

loop::awaitable<> lifecycle::wait_until_idle() {
  co_await parts_.work().idle();
  idle_ = true;
  changed_.wake_all();
}

loop::awaitable<> lifecycle::look_for_stuck_queues() {
  held_puts held{parts_.broker()};
  while (true) {
    co_await loop::sleep_for(parts_.loop(), stuck_look_every);
    // What was put will not be acknowledged, nor what was done be finished: there is nothing to wait for.
    if (arguments_.until_idle && failure_.empty() && parts_.broker().store_has_failed()) {
      failure_ = "the store has failed";
      changed_.wake_all();
      co_return;
    }
    co_await held.look(parts_.loop());
    stuck_.look();
    if (!arguments_.until_idle || stuck_.stuck().empty() || !parts_.work().held_by_full_queues()) continue;
    held_up_ = true;
    changed_.wake_all();
    co_return;
  }
}

loop::awaitable<> lifecycle::hear_signals() {
  while (true) {
    const int number = co_await signals_.next();
    if (number == SIGHUP) {
      log::warning("reload", "reload is not here yet: the settings stay as they were read at the start");
    } else if (number == SIGUSR1) {
      parts_.refuse_puts();
      parts_.control().become_refusing("SIGUSR1");
      log::info("refusing_puts", "puts are refused from now on; all else goes on", {{"signal", "SIGUSR1"}});
    } else {
      asked_to_stop(number);
    }
  }
}

void lifecycle::asked_to_stop(int number) {
  const instant now = parts_.loop().now();
  if (number == last_stop_signal_ && now - last_stop_at_ < signal_echo) return;
  last_stop_signal_ = number;
  last_stop_at_ = now;
  ++stops_asked_;
  log::info("signal", stops_asked_ == 1 ? "asked to end" : "asked to end at once",
            {{"signal", name_of_signal(number)}});
  if (stops_asked_ == 1) parts_.control().become_draining(name_of_signal(number));
  if (stops_asked_ == 2) arm_last_resort(stopping_patience);
  changed_.wake_all();
}

loop::awaitable<> lifecycle::watched(loop::awaitable<> work) {
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
  if (stops_asked_ < 2) arm_last_resort(closing_patience);
  auto work_ends = parts_.work().join();
  co_await watched(std::move(work_ends));
  watchers_.cancel();
  auto watchers_end = watchers_.join();
  co_await watched(std::move(watchers_end));
  if (progress_) {
    auto progress_ends = progress_->end();
    co_await watched(std::move(progress_ends));
  }
  auto parts_close = parts_.close();
  co_await watched(std::move(parts_close));
  if (!failure_.empty()) fail(exit_code::failed, "failed", failure_);
  say_what_is_on_disk();
  // After a drain that a second signal cut short, what was still in hand has been given back by now.
  if (drains_left_ > 0) count_jobs_in_hand();
  log::info("ended", "millraced has ended",
            {{"exit_code", static_cast<int>(code_)}, {"finished", finished_}, {"ready_again", ready_again_}});
}

void lifecycle::note_result(const telemetry::run_result& result) {
  if (result.all_done()) return;
  code_ = exit_code::not_all_done;
  const auto of = [&](engine::outcome which) { return result.outcomes[static_cast<std::size_t>(which)]; };
  log::warning("not_all_done", "nothing is left to do, but not every job was done",
               {{"failed", of(engine::outcome::failed)},
                {"timeout", of(engine::outcome::timeout)},
                {"buried", result.buried},
                {"dead_lettered", result.dead_lettered},
                {"rejected", result.rejected},
                {"producer_errors", result.producer_errors}});
}

void lifecycle::fail(exit_code code, std::string_view event, const std::string& sentence) {
  code_ = code;
  log::error(event, sentence);
}

void lifecycle::say_what_is_on_disk() {
  if (!opened_) return;  // no command was acknowledged
  const auto why = parts_.broker().store_failure();
  if (!why.empty()) {
    code_ = exit_code::failed;
    log::error("not_on_disk",
               "the store has failed: what clients were not told of may be lost, and commands of relaxed "
               "queues that were acknowledged are not on disk",
               {{"error", why}, {"acknowledged", parts_.broker().acknowledged_not_durable()}});
  } else if (settings_.daemon.data_dir) {
    log::info("kept", "what is left in durable queues is on disk", {{"data_dir", *settings_.daemon.data_dir}});
  }
}

void lifecycle::count_jobs_in_hand() {
  finished_ = finished_by_consumers() - finished_before_ + parts_.finished_by_clients();
  // Nobody was given a job since the drain began: a job in hand that was not finished is ready again.
  ready_again_ = in_hand_ - std::min(in_hand_, finished_);
}

void lifecycle::say_what_was_left() {
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
  count_jobs_in_hand();
  const char* sentence = cancelled_jobs_ > 0 || out_of_time_
                             ? "the time to drain is over: jobs still in hand are ready again"
                         : sum.jobs() == 0 ? "all work has ended, nothing was left"
                         : settings_.daemon.data_dir
                             ? "running jobs have ended; what is left in durable queues is being written"
                             : "running jobs have ended; what is left in the queues is lost, for they live in memory";
  log::info("drained", sentence,
            {{"finished", finished_},
             {"ready_again", ready_again_},
             {"cancelled", cancelled_jobs_},
             {"ready", sum.ready},
             {"delayed", sum.delayed},
             {"buried", sum.buried}});
}

}  // namespace millrace::service
