#include "service/service_manager.hpp"

#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace millrace::service {
namespace {

constexpr int keep_environment = 0;

std::string status_line_of(std::string_view text) { return "STATUS=" + std::string{text}; }

/// The value of NOTIFY_SOCKET; empty for an address of no known kind.
std::string socket_path() {
  const char* value = std::getenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe): the environment never changes
  std::string path = value == nullptr ? "" : value;
  const bool is_known = path.size() > 1 && (path[0] == '/' || path[0] == '@');
  return is_known && path.size() < sizeof(::sockaddr_un::sun_path) ? path : std::string{};
}

}  // namespace

service_manager::service_manager() {
  std::string path = socket_path();
  if (path.empty()) return;
  address_.sun_family = AF_UNIX;
  address_bytes_ = static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) + path.size());
  if (path[0] == '@') path[0] = '\0';  // an abstract address
  path.copy(address_.sun_path, path.size());
  std::uint64_t microseconds = 0;
  if (::sd_watchdog_enabled(keep_environment, &microseconds) > 0)
    watchdog_timeout_ = saturating_multiply(std::chrono::microseconds{1}, microseconds);
}

service_manager::~service_manager() {
  if (socket_ >= 0) ::close(socket_);
}

void service_manager::ready(std::string_view status) {
  unsent_state_ = "READY=1\n";
  send(status_line_of(status));
}

void service_manager::reloading(instant now, std::string_view status) {
  // The steady clock is CLOCK_MONOTONIC, which systemd compares with the time of its own request.
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  unsent_state_ = "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds) + '\n';
  send(status_line_of(status));
}

void service_manager::status(std::string_view text) { send(status_line_of(text)); }

void service_manager::stopping(std::string_view status) {
  unsent_state_ = "STOPPING=1\n";
  send(status_line_of(status));
}

void service_manager::extend_timeout(duration time, std::string_view status) {
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(time).count();
  send("EXTEND_TIMEOUT_USEC=" + std::to_string(microseconds) + '\n' + status_line_of(status));
}

void service_manager::feed_watchdog() { send("WATCHDOG=1"); }

// Not sd_notify: it waits while the manager does not read, and opens a socket for each message, which fails when
// clients have taken all descriptors.
void service_manager::send(const std::string& message) {
  if (!is_present()) return;
  if (socket_ < 0) socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const std::string datagram = unsent_state_ + message;
  const auto* address = reinterpret_cast<const ::sockaddr*>(&address_);
  if (::sendto(socket_, datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL, address, address_bytes_) >= 0)
    unsent_state_.clear();
}

}  // namespace millrace::service
