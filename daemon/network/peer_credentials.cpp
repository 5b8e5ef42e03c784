#include "network/peer_credentials.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>

#include "network/options.hpp"

namespace millrace::network {

std::optional<peer_credentials> peer_credentials_of(int descriptor) noexcept {
  int family = 0;
  socklen_t bytes = sizeof family;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &family, &bytes) != 0 || family != AF_UNIX) return std::nullopt;
  ucred peer{};
  bytes = sizeof peer;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0) return std::nullopt;
  return peer_credentials{peer.pid, peer.uid, peer.gid};
}

std::string peer_name_of(int descriptor) {
  if (const auto peer = peer_credentials_of(descriptor))
    return "process " + std::to_string(peer->process) + " of user " + std::to_string(peer->user);
  sockaddr_storage there{};
  socklen_t bytes = sizeof there;
  if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&there), &bytes) != 0) return {};
  std::array<char, INET6_ADDRSTRLEN> host{};
  std::uint16_t port = 0;
  const void* address = nullptr;
  if (there.ss_family == AF_INET) {
    const auto& of_peer = reinterpret_cast<const sockaddr_in&>(there);
    address = &of_peer.sin_addr;
    port = ntohs(of_peer.sin_port);
  } else if (there.ss_family == AF_INET6) {
    const auto& of_peer = reinterpret_cast<const sockaddr_in6&>(there);
    address = &of_peer.sin6_addr;
    port = ntohs(of_peer.sin6_port);
  }
  if (address == nullptr || ::inet_ntop(there.ss_family, address, host.data(), host.size()) == nullptr) return {};
  return write_address({.host = host.data(), .port = port, .unix_path = {}});
}

}  // namespace millrace::network
