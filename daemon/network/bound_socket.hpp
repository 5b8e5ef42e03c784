#pragma once

#include <string>

#include <millrace/base/result.hpp>

#include "network/options.hpp"
#include "network/unix_socket_file.hpp"

namespace millrace::network {

/// A socket that has its address and does not accept yet: an address is often taken while the process still has the
/// right to take it, and clients are served later.
///
/// A TCP client is refused until `listen`. A Unix socket listens at once, because one that does not is taken for a
/// leftover by the next program; its clients wait until somebody accepts them.
///
/// Any thread. Closes when destroyed, and then takes the file of a Unix socket away, unless it was released.
class bound_socket {
 public:
  /// Clients that the system holds until they are accepted.
  static constexpr int backlog = 1'024;

  /// The error names the address and the reason: `127.0.0.1:9464: address already in use`.
  [[nodiscard]] static result<bound_socket> bind(const address& where);
  bound_socket(bound_socket&& other) noexcept;
  bound_socket& operator=(bound_socket&&) = delete;
  ~bound_socket();

  /// Lets clients connect. Again: nothing happens.
  [[nodiscard]] result<> listen();

  /// With the port that the system chose.
  [[nodiscard]] const address& local_address() const noexcept { return here_; }
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] int family() const noexcept { return family_; }
  /// Of a Unix socket.
  [[nodiscard]] const unix_socket_file& file() const noexcept { return file_; }
  /// The descriptor, and the file of a Unix socket, are the caller's from now on.
  int release() noexcept;

 private:
  bound_socket(int family, const address& here);

  int descriptor_{-1};  ///< -1: released
  int family_;
  address here_;
  unix_socket_file file_;  ///< of a Unix socket
};

/// "ADDRESS: WHY".
[[nodiscard]] error cannot_listen(const address& where, const std::string& why);

}  // namespace millrace::network
