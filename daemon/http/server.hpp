#pragma once

#include <cstdint>
#include <utility>

#include "http/routes.hpp"
#include "http/session.hpp"
#include "network/listener.hpp"

namespace millrace::http {

/// The HTTP door as one thing: a listener whose connections are sessions over these routes.
///
/// Owned by the daemon; loop thread only. `routes` outlive it. `close` must have returned before it is destroyed.
class server {
 public:
  /// How long connections may take to end once it closes.
  static constexpr duration default_patience = seconds{2};

  server(loop::event_loop& loop, const routes& where, session_limits limits = {});

  result<> open(const network::listener_options& options) { return door_.open(options); }
  /// The same with a socket that was bound before.
  result<> open(network::bound_socket socket, std::uint32_t connections_max) {
    return door_.open(std::move(socket), connections_max);
  }
  [[nodiscard]] const network::address& local_address() const noexcept { return door_.local_address(); }
  [[nodiscard]] const network::listener_counts& counts() const noexcept { return door_.counts(); }

  loop::awaitable<> close(duration patience = default_patience);

 private:
  sessions sessions_;
  network::listener door_;
};

}  // namespace millrace::http
