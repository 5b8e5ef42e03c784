#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "http/connection_set.hpp"
#include "http/routes.hpp"
#include "network/listener.hpp"

namespace millrace::http {

/// The HTTP server: a listener and its connections.
///
/// Owned by the daemon. Loop thread only. `routes` outlive it.
///
/// `close` must be awaited before destruction.
class server {
 public:
  /// Time that connections have to end after `close`.
  static constexpr duration close_timeout = seconds{2};

  /// `name` begins the names of the tasks and of the listener in logs and metrics.
  server(loop::event_loop& loop, const routes& routes, connection_limits limits = {}, std::string name = "http");

  result<> open(const network::listener_options& options) { return listener_.open(options); }
  /// Opens with a bound socket.
  result<> open(network::bound_socket socket, std::uint32_t connections_max) {
    return listener_.open(std::move(socket), connections_max);
  }
  [[nodiscard]] const network::address& local_address() const noexcept { return listener_.local_address(); }
  [[nodiscard]] const network::listener_counts& counts() const noexcept { return listener_.counts(); }

  loop::awaitable<> close(duration timeout = close_timeout);

 private:
  connection_set connections_;
  network::listener listener_;
};

}  // namespace millrace::http
