#include "service/service_report.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <millrace/loop/deadline.hpp>

#include "base/log.hpp"

namespace millrace::service {

void service_report::recovering() {
  if (!manager_.is_present()) return;
  const instant now = parts_.loop().now();
  if (now < next_message_) return;
  next_message_ = after(now, seconds{1});
  extend_timeout("recovering: " + std::to_string(parts_.broker().engine().job_count()) + " jobs");
}

void service_report::ready() {
  measured_at_ = parts_.loop().now();
  jobs_gone_before_ = jobs_gone();
  manager_.ready("running");
}

loop::awaitable<> service_report::run() {
  if (!manager_.is_present()) co_return;
  const auto timeout = manager_.watchdog_timeout();
  const auto interval =
      timeout > duration::zero() ? std::min(status_interval, timeout / feeds_per_timeout) : status_interval;
  auto next_status = after(parts_.loop().now(), status_interval);
  while (true) {
    co_await loop::sleep_for(parts_.loop(), interval);
    check_progress();
    if (parts_.loop().now() < next_status) continue;
    next_status = after(parts_.loop().now(), status_interval);
    auto text = co_await status();
    if (is_draining_) text.insert(0, "draining: ");
    if (is_draining_ && checks_without_progress_ == 0) {
      extend_timeout(text);
    } else {
      manager_.status(text);
    }
  }
}

void service_report::reloading() {
  // The state would end STOPPING. Such a reload is refused.
  if (!is_draining_) manager_.reloading(parts_.loop().refresh_now(), "reloading the settings");
}

void service_report::reloaded() {
  if (!is_draining_) manager_.ready("running");
}

void service_report::draining() {
  is_draining_ = true;
  manager_.stopping("draining");
  extend_timeout("draining");
}

void service_report::closing() { extend_timeout("closing"); }

void service_report::extend_timeout(std::string_view status) {
  manager_.extend_timeout(std::max(extension, manager_.watchdog_timeout()), status);
}

void service_report::check_progress() {
  const auto part = part_without_progress();
  if (part.empty()) {
    checks_without_progress_ = 0;
    mark_progress();
    if (manager_.watchdog_timeout() > duration::zero()) manager_.feed_watchdog();
  } else if (++checks_without_progress_ == checks_before_warning) {
    log::warning("no_watchdog_feed", "a part makes no progress: the service manager will end the daemon if this lasts",
                 {{"part", part}});
  }
}

std::string_view service_report::part_without_progress() const {
  const auto heartbeat = parts_.store_heartbeat();
  if (heartbeat && heartbeat == last_heartbeat_) return "store";
  if (parts_.threads().workers_without_progress() > 0) return "offload";
  return {};
}

void service_report::mark_progress() {
  last_heartbeat_ = parts_.store_heartbeat();
  parts_.threads().mark_progress();
}

loop::awaitable<std::string> service_report::status() {
  const auto& engine = parts_.broker().engine();
  instant oldest = never;
  std::vector<queue_id> slice;
  for (std::size_t position = 0;;) {
    slice.clear();
    position = engine.list_queues(position, slice_queues, slice);
    for (const auto queue : slice) oldest = std::min(oldest, engine.levels(queue).oldest_ready);
    if (position == 0) break;
    co_await loop::yield(parts_.loop());
  }
  const instant now = parts_.loop().now();
  const auto gone = jobs_gone();
  const double passed = in_seconds(now - measured_at_);
  const double rate = passed > 0 ? static_cast<double>(gone - jobs_gone_before_) / passed : 0;
  jobs_gone_before_ = gone;
  measured_at_ = now;
  const auto totals = engine.totals();
  std::string text = std::to_string(std::llround(rate)) + " jobs/s; " + std::to_string(totals.ready) + " ready, " +
                     std::to_string(totals.reserved) + " reserved, " + std::to_string(totals.delayed) + " delayed, " +
                     std::to_string(totals.buried) + " buried";
  if (oldest != never)
    text += "; the oldest ready job has waited for " + std::to_string(std::lround(in_seconds(age(oldest, now)))) + " s";
  co_return text;
}

/// Jobs that were put since the start and have left, minus the recovered jobs that have not. Only differences of it are
/// used, in which the recovered jobs cancel out.
std::uint64_t service_report::jobs_gone() const {
  const auto& engine = parts_.broker().engine();
  return engine.totals().puts.value() - engine.job_count();
}

}  // namespace millrace::service
