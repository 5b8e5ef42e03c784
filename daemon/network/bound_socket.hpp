#pragma once

#include <optional>
#include <string>

#include <sys/types.h>
#include <millrace/base/result.hpp>

#include "network/options.hpp"
#include "network/unix_socket_file.hpp"

namespace millrace::network {

/// Who may connect to a Unix socket: the permissions and the group of its file.
struct socket_access {
  mode_t mode{0600};
  std::optional<gid_t> group{};  ///< nullopt: the group of this process
};

/// A socket that listens and does not accept yet: a process binds while it has the right to, and serves clients later.
/// Clients can connect already, and wait until they are accepted. The socket listens at once, so that a second program
/// learns at its start that the address is in use: the system gives one TCP address to several sockets as long as none
/// of them listens, and the file of a Unix socket on which nobody listens is removed as stale.
///
/// Any thread. When destroyed it closes and removes the file of a Unix socket, unless it was released.
class bound_socket {
 public:
  /// Clients that the system holds until they are accepted.
  static constexpr int backlog = 1'024;

  /// The error names the address and the reason: `127.0.0.1:9464: address already in use`.
  [[nodiscard]] static result<bound_socket> bind(const address& target);
  /// As above, for a Unix socket. Until its file has this access, only the user of this process may connect.
  [[nodiscard]] static result<bound_socket> bind(const address& target, const socket_access& access);
  /// A listening stream socket that another program opened. The file of a Unix socket stays that program's and is not
  /// removed. After an error, which says what the descriptor is not, the caller still owns the descriptor.
  [[nodiscard]] static result<bound_socket> adopt(int descriptor);
  bound_socket(bound_socket&& other) noexcept;
  bound_socket& operator=(bound_socket&&) = delete;
  ~bound_socket();

  /// With the port that the system chose.
  [[nodiscard]] const address& local_address() const noexcept { return here_; }
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  [[nodiscard]] int family() const noexcept { return family_; }
  /// Of a Unix socket that this process bound.
  [[nodiscard]] const unix_socket_file& file() const noexcept { return file_; }
  /// The caller owns the descriptor and the file of a Unix socket from now on.
  int release() noexcept;

 private:
  bound_socket(int family, const address& here);
  bound_socket(int descriptor, int family, address here) noexcept;
  [[nodiscard]] static result<bound_socket> bind_file(const address& target, const socket_access* access);
  [[nodiscard]] result<> allow(const socket_access& access) const;
  [[nodiscard]] result<> listen();

  int descriptor_{-1};  ///< -1: released
  int family_;
  address here_;
  unix_socket_file file_;  ///< of a Unix socket
};

/// `ADDRESS: CAUSE`.
[[nodiscard]] error cannot_listen(const address& target, const std::string& cause);

}  // namespace millrace::network
