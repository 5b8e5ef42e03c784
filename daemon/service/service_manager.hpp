#pragma once

#include <string>
#include <string_view>

#include <millrace/base/time.hpp>

namespace millrace::service {

/// The service manager that started this process. It gets messages as sd_notify(3) defines them, over the socket that
/// NOTIFY_SOCKET names. Without that variable every call does nothing.
///
/// Any thread. A message is one datagram; one that cannot be sent is dropped, because the next one says the same.
class service_manager {
 public:
  /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
  service_manager();

  [[nodiscard]] bool is_present() const noexcept { return is_present_; }
  /// A process that does not feed the watchdog for this long is killed and started again. Zero: no watchdog.
  [[nodiscard]] duration watchdog_timeout() const noexcept { return watchdog_timeout_; }

  /// The start is complete.
  void ready(std::string_view status) const;
  void status(std::string_view text) const;
  /// The process is about to end.
  void stopping(std::string_view status) const;
  /// A start or an end takes longer: from now on the manager waits this long for the next message.
  void extend_timeout(duration time, std::string_view status) const;
  void feed_watchdog() const;

 private:
  void send(const std::string& message) const;

  bool is_present_;
  duration watchdog_timeout_{0};
};

}  // namespace millrace::service
