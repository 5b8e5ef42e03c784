#pragma once

#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace millrace::testing {

/// A client that sends and receives bytes as they are. Blocks; throws after `patience_seconds`.
class raw_client {
 public:
  static constexpr int patience_seconds = 30;

  explicit raw_client(int family) : fd_{::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    if (fd_ < 0) fail("socket");
    const timeval patience{patience_seconds, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }
  raw_client(raw_client&& other) noexcept : fd_{std::exchange(other.fd_, -1)}, was_reset_{other.was_reset_} {}
  raw_client& operator=(raw_client other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(was_reset_, other.was_reset_);
    return *this;
  }
  ~raw_client() { close(); }

  [[nodiscard]] static raw_client to_port(std::uint16_t port) {
    raw_client client{AF_INET};
    client.connect_port(port);
    return client;
  }
  [[nodiscard]] static raw_client to_port_v6(std::uint16_t port) {
    raw_client client{AF_INET6};
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    address.sin6_addr = in6addr_loopback;
    client.connect_to(&address, sizeof address);
    return client;
  }
  [[nodiscard]] static raw_client to_path(const std::string& path) {
    raw_client client{AF_UNIX};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    client.connect_to(&address, sizeof address);
    return client;
  }
  void connect_port(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect_to(&address, sizeof address);
  }

  /// False when the other side has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) return false;
      if (sent < 0) fail("send");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  /// The next bytes, at least one; empty when the other side has closed or reset the connection.
  std::string receive() {
    char bytes[16'384];
    const auto received = ::recv(fd_, bytes, sizeof bytes, 0);
    if (received < 0 && errno != ECONNRESET) fail("recv");
    was_reset_ = received < 0;
    return {bytes, received > 0 ? static_cast<std::size_t>(received) : 0};
  }
  /// At least `count` bytes, fewer if the other side closes.
  std::string receive_at_least(std::size_t count) {
    std::string bytes;
    while (bytes.size() < count) {
      const auto piece = receive();
      if (piece.empty()) break;
      bytes += piece;
    }
    return bytes;
  }
  /// Everything until the other side closes.
  std::string receive_all() { return receive_at_least(std::string::npos); }

  /// Whether the last `receive` met a reset.
  [[nodiscard]] bool was_reset() const { return was_reset_; }

  void half_close() { ::shutdown(fd_, SHUT_WR); }
  /// The other side sees a reset.
  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
  }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  [[nodiscard]] int descriptor() const { return fd_; }

 private:
  template <class Address>
  void connect_to(const Address* address, std::size_t bytes) {
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(address), static_cast<socklen_t>(bytes)) != 0) fail("connect");
  }
  [[noreturn]] static void fail(const char* call) {
    throw std::runtime_error{std::string{call} + ": " + std::generic_category().message(errno)};
  }

  int fd_;
  bool was_reset_{false};
};

}  // namespace millrace::testing
