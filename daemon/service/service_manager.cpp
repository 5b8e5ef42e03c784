#include "service/service_manager.hpp"

#include <systemd/sd-daemon.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>

namespace millrace::service {
namespace {

constexpr int keep_environment = 0;

std::string status_line_of(std::string_view text) { return "STATUS=" + std::string{text}; }

}  // namespace

// NOLINTNEXTLINE(concurrency-mt-unsafe): the environment never changes
service_manager::service_manager() : is_present_{std::getenv("NOTIFY_SOCKET") != nullptr} {
  std::uint64_t microseconds = 0;
  if (is_present_ && ::sd_watchdog_enabled(keep_environment, &microseconds) > 0)
    watchdog_timeout_ = std::chrono::microseconds{microseconds};
}

void service_manager::ready(std::string_view status) const { send("READY=1\n" + status_line_of(status)); }

void service_manager::status(std::string_view text) const { send(status_line_of(text)); }

void service_manager::stopping(std::string_view status) const { send("STOPPING=1\n" + status_line_of(status)); }

void service_manager::extend_timeout(duration time, std::string_view status) const {
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  send("EXTEND_TIMEOUT_USEC=" + std::to_string(microseconds) + '\n' + status_line_of(status));
}

void service_manager::feed_watchdog() const { send("WATCHDOG=1"); }

void service_manager::send(const std::string& message) const {
  if (is_present_) static_cast<void>(::sd_notify(keep_environment, message.c_str()));
}

}  // namespace millrace::service
