#pragma once

#include <cstdint>
#include <string>

#include <millrace/base/result.hpp>
#include <millrace/loop/event_loop.hpp>

#include "beanstalk/connection_set.hpp"
#include "broker/broker.hpp"
#include "network/listener.hpp"

namespace millrace::beanstalk {

/// The server of the beanstalk protocol: a listener and the connections of its clients.
///
/// Owned by the daemon; loop thread only. Requires: `close` has returned before it is destroyed.
class server {
 public:
  /// Time for clients to read the replies that they are owed when the server ends.
  static constexpr duration closing_patience = seconds{2};

  server(loop::event_loop& loop, broker::broker& broker, session_limits limits = {});

  /// Begins to listen. The queue `default` exists from now on.
  result<> open(const network::listener_options& options);
  /// As above, with a socket that is already bound.
  result<> open(network::bound_socket socket, std::uint32_t connections_max);
  [[nodiscard]] const network::address& local_address() const noexcept { return listener_.local_address(); }

  /// From now on every put is answered DRAINING. Everything else goes on.
  void refuse_puts() { connections_.refuse_puts(); }
  /// Accepts no connections and no puts and hands out no jobs. Connections that hold jobs may finish them; all others
  /// end as soon as they have received their replies.
  void drain();
  /// After `drain`: true when no client holds a job or an unanswered command; false when `patience` ends first.
  loop::awaitable<bool> drained(duration patience);
  /// Drains without waiting for jobs that clients hold, and returns when all connections have ended. Clients that do
  /// not read their replies in time are cut off.
  loop::awaitable<> close(duration patience = closing_patience);

  [[nodiscard]] const network::listener_counts& connections() const noexcept { return listener_.counts(); }
  /// The client that has that session, for people; empty if none has.
  [[nodiscard]] std::string peer_name(session_id session) const { return connections_.peer_name(session); }
  [[nodiscard]] const session_counts& counts() const noexcept { return connections_.counts(); }

 private:
  loop::event_loop& loop_;
  broker::broker& broker_;
  network::listener listener_;
  connection_set connections_;
};

}  // namespace millrace::beanstalk
