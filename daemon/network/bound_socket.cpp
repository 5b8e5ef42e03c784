#include "network/bound_socket.hpp"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/system_message.hpp"

namespace millrace::network {

namespace asio = boost::asio;
using endpoint = asio::generic::stream_protocol::endpoint;

namespace {

/// Asio's generic endpoint would convert an error into an endpoint, so the error is constructed explicitly.
result<endpoint> no_endpoint(errc code, std::string text) {
  return {boost::system::in_place_error, error{code, std::move(text)}};
}

result<endpoint> endpoint_of(const address& target) {
  constexpr auto path_bytes_max = sizeof(sockaddr_un::sun_path) - 1;
  if (target.unix_path.size() > path_bytes_max)
    return no_endpoint(errc::out_of_range,
                       "the path of a Unix socket has at most " + std::to_string(path_bytes_max) + " bytes");
  if (!target.unix_path.empty()) return endpoint{asio::local::stream_protocol::endpoint{target.unix_path}};
  boost::system::error_code failure;
  const auto host = asio::ip::make_address(target.host == "localhost" ? "127.0.0.1" : target.host, failure);
  if (failure) return no_endpoint(errc::invalid, "the host is neither an address in numbers nor localhost");
  return endpoint{asio::ip::tcp::endpoint{host, target.port}};
}

/// The port that the system gave it; 0 for a Unix socket.
std::uint16_t port_of(int descriptor) {
  sockaddr_storage here{};
  socklen_t bytes = sizeof here;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&here), &bytes) != 0) return 0;
  if (here.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(here).sin_port);
  if (here.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(here).sin6_port);
  return 0;
}

/// 0, or the reason why not.
int bind_to(int descriptor, const endpoint& target) {
  return ::bind(descriptor, target.data(), static_cast<socklen_t>(target.size())) == 0 ? 0 : errno;
}

/// The path of a Unix socket; an abstract one begins with @, one without a path is empty.
std::string path_of(const sockaddr_un& here, socklen_t bytes) {
  constexpr auto offset = offsetof(sockaddr_un, sun_path);
  if (bytes <= offset) return {};
  std::string path{here.sun_path, bytes - offset};
  if (path[0] == '\0') return "@" + path.substr(1);
  return path.substr(0, path.find('\0'));
}

/// Where a socket is bound. nullopt: the descriptor is no socket of a supported family.
std::optional<std::pair<int, address>> bound_address_of(int descriptor) {
  sockaddr_storage here{};
  socklen_t bytes = sizeof here;
  if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&here), &bytes) != 0) return std::nullopt;
  const int family = here.ss_family;
  if (family == AF_UNIX) {
    const auto path = path_of(reinterpret_cast<const sockaddr_un&>(here), bytes);
    return std::pair{family, address{.host = {}, .port = 0, .unix_path = path}};
  }
  const void* host = nullptr;
  if (family == AF_INET) host = &reinterpret_cast<const sockaddr_in&>(here).sin_addr;
  if (family == AF_INET6) host = &reinterpret_cast<const sockaddr_in6&>(here).sin6_addr;
  if (host == nullptr) return std::nullopt;
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family, host, text.data(), text.size());
  return std::pair{family, address{.host = text.data(), .port = port_of(descriptor), .unix_path = {}}};
}

/// An option of a socket whose value is a number; -1 if the descriptor is no socket.
int socket_option(int descriptor, int option) {
  int value = -1;
  socklen_t bytes = sizeof value;
  return ::getsockopt(descriptor, SOL_SOCKET, option, &value, &bytes) == 0 ? value : -1;
}

std::string reason(int error_number) {
  return error_number == EADDRINUSE ? "address already in use" : system_message(error_number);
}

}  // namespace

error cannot_listen(const address& target, const std::string& cause) {
  return {errc::io, write_address(target) + ": " + cause};
}

result<bound_socket> bound_socket::bind(const address& target) { return bind_file(target, nullptr); }

result<bound_socket> bound_socket::bind(const address& target, const socket_access& access) {
  return bind_file(target, &access);
}

/// `access` is null where the umask decides.
result<bound_socket> bound_socket::bind_file(const address& target, const socket_access* access) {
  const auto to = endpoint_of(target);
  if (!to) return cannot_listen(target, to.error().text);
  bound_socket made{to->data()->sa_family, target};
  if (made.descriptor_ < 0) return cannot_listen(target, reason(errno));
  const int on = 1;
  ::setsockopt(made.descriptor_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // The file gets at most the permissions of the socket (unix_bind in the kernel), so no other user can connect early.
  constexpr mode_t owner_only = 0600;
  if (access != nullptr && ::fchmod(made.descriptor_, owner_only) != 0) return cannot_listen(target, reason(errno));
  // Copied now: what throws after the bind would leave the file behind.
  auto path = target.unix_path;
  int number = bind_to(made.descriptor_, *to);
  if (number == EADDRINUSE && unix_socket_file::remove_stale(path)) number = bind_to(made.descriptor_, *to);
  if (number != 0) return cannot_listen(target, reason(number));
  if (path.empty()) {
    made.here_.port = port_of(made.descriptor_);
  } else {
    made.file_ = unix_socket_file::at(std::move(path));
  }
  if (access != nullptr) {
    if (const auto allowed = made.allow(*access); !allowed) return allowed.error();
  }
  if (const auto listening = made.listen(); !listening) return listening.error();
  return made;
}

result<bound_socket> bound_socket::adopt(int descriptor) {
  if (socket_option(descriptor, SO_TYPE) != SOCK_STREAM) return error{errc::invalid, "this is no stream socket"};
  if (socket_option(descriptor, SO_ACCEPTCONN) != 1) return error{errc::invalid, "this socket does not listen"};
  const auto here = bound_address_of(descriptor);
  if (!here) return error{errc::invalid, "this is neither a TCP nor a Unix socket"};
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0 || ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0)
    return error{errc::io, system_message(errno)};
  return bound_socket{descriptor, here->first, here->second};
}

bound_socket::bound_socket(int descriptor, int family, address here) noexcept
    : descriptor_{descriptor}, family_{family}, here_{std::move(here)} {}

bound_socket::bound_socket(int family, const address& here) : family_{family}, here_{here} {
  // Last: what throws before would leave it open.
  descriptor_ = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

bound_socket::bound_socket(bound_socket&& other) noexcept
    : descriptor_{std::exchange(other.descriptor_, -1)},
      family_{other.family_},
      here_{std::move(other.here_)},
      file_{std::move(other.file_)} {}

bound_socket::~bound_socket() {
  if (descriptor_ < 0) return;
  file_.remove();
  ::close(descriptor_);
}

result<> bound_socket::allow(const socket_access& access) const {
  const char* const path = here_.unix_path.c_str();
  constexpr uid_t same_user = static_cast<uid_t>(-1);
  struct ::stat made {};
  // The file has the group of the process. A sandbox may forbid to change it, even to the same one.
  const bool has_group = !access.group || (::lstat(path, &made) == 0 && made.st_gid == *access.group);
  if (!has_group && ::lchown(path, same_user, *access.group) != 0)
    return error{errc::io, write_address(here_) + ": its group cannot be set: " + reason(errno)};
  if (::chmod(path, access.mode) != 0)
    return error{errc::io, write_address(here_) + ": its mode cannot be set: " + reason(errno)};
  return {};
}

result<> bound_socket::listen() {
  if (::listen(descriptor_, backlog) != 0) return cannot_listen(here_, reason(errno));
  return {};
}

int bound_socket::release() noexcept { return std::exchange(descriptor_, -1); }

}  // namespace millrace::network
