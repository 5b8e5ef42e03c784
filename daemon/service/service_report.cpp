#include "service/service_report.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <millrace/loop/deadline.hpp>

namespace millrace::service {

void service_report::recovering() {
  if (!manager_.is_present()) return;
  const instant now = parts_.loop().now();
  if (now < next_message_) return;
  next_message_ = after(now, seconds{1});
  manager_.extend_timeout(extension, "recovering: " + std::to_string(parts_.broker().engine().job_count()) + " jobs");
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
    feed_watchdog();
    if (parts_.loop().now() < next_status) continue;
    next_status = after(parts_.loop().now(), status_interval);
    auto text = co_await status();
    if (is_draining_) {
      manager_.extend_timeout(extension, "draining: " + text);
    } else {
      manager_.status(text);
    }
  }
}

void service_report::draining() {
  is_draining_ = true;
  manager_.stopping("draining");
  manager_.extend_timeout(extension, "draining");
}

void service_report::closing() { manager_.extend_timeout(extension, "closing"); }

void service_report::feed_watchdog() {
  if (manager_.watchdog_timeout() == duration::zero()) return;
  const auto heartbeat = parts_.store_heartbeat();
  if (heartbeat && heartbeat == last_heartbeat_) return;
  last_heartbeat_ = heartbeat;
  manager_.feed_watchdog();
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
