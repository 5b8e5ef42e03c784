#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <millrace/base/option.hpp>
#include <millrace/base/result.hpp>

namespace millrace::network {

/// The address of a listener or a peer: `127.0.0.1:9464`, `[::1]:9464`, `localhost:9464` or `unix:/run/x.sock`. Port 0:
/// the kernel chooses.
struct address {
  std::string host;  ///< without brackets
  std::uint16_t port{0};
  std::string unix_path;  ///< not empty: a Unix socket, host and port mean nothing
};
[[nodiscard]] result<address> parse_address(std::string_view text);
/// An address to listen at: names other than `localhost` are refused, since no name is resolved.
[[nodiscard]] result<address> parse_listen_address(std::string_view text);
[[nodiscard]] std::string write_address(const address& target);

/// Address and limit of one listener.
struct listener_options {
  address listen_address;
  std::uint32_t connections_max{1'000};  ///< further ones wait in the listen backlog
};

}  // namespace millrace::network
