#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <string>
#include <string_view>

#include <millrace/base/time.hpp>

namespace millrace::service {

/// The service manager that started this process. It gets messages as sd_notify(3) defines them, over the socket that
/// NOTIFY_SOCKET names. Without that variable every call does nothing.
///
/// Loop thread only; no call blocks. A message is one datagram; one that cannot be sent is dropped, because the next
/// one says the same. The next message also says READY, RELOADING or STOPPING again if that could not be sent.
class service_manager {
 public:
  /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
  service_manager();
  ~service_manager();
  service_manager(const service_manager&) = delete;
  service_manager& operator=(const service_manager&) = delete;

  [[nodiscard]] bool is_present() const noexcept { return address_bytes_ > 0; }
  /// A process that does not feed the watchdog for this long is killed and started again. Zero: no watchdog.
  [[nodiscard]] duration watchdog_timeout() const noexcept { return watchdog_timeout_; }

  /// The start is complete.
  void ready(std::string_view status);
  /// The settings are being reloaded since `now`; `ready` ends that.
  void reloading(instant now, std::string_view status);
  void status(std::string_view text);
  /// The process is about to end.
  void stopping(std::string_view status);
  /// A start or an end takes longer: from now on the manager waits this long for the next message.
  void extend_timeout(duration time, std::string_view status);
  void feed_watchdog();

 private:
  void send(const std::string& message);

  ::sockaddr_un address_{};
  ::socklen_t address_bytes_{0};  ///< 0: there is no manager
  int socket_{-1};                ///< opened for the first message, and kept
  std::string unsent_state_;      ///< the lines READY=1, RELOADING=1 or STOPPING=1, until they are sent
  duration watchdog_timeout_{0};
};

}  // namespace millrace::service
