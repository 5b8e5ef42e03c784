#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "beanstalk/counts.hpp"
#include "beanstalk/limits.hpp"
#include "broker/broker.hpp"
#include "network/listener.hpp"

namespace millrace::beanstalk {

/// All connections of the beanstalk protocol, each with a coroutine that waits for its end.
///
/// Owned by the server; loop thread only. Stops by `drain`, `finish` and `close`. Requires: `close` has returned before
/// it is destroyed. Limits: `session_limits`.
class connection_set {
 public:
  /// `listener` counts the connections and the protocol errors. All three outlive it.
  connection_set(loop::event_loop& loop, broker::broker& broker, network::listener_counts& listener,
                 session_limits limits = {});
  ~connection_set();
  connection_set(const connection_set&) = delete;
  connection_set& operator=(const connection_set&) = delete;

  /// Serves one connection until it ends.
  loop::awaitable<> serve(network::stream_socket socket);

  /// From now on every put is answered DRAINING. Everything else goes on.
  void refuse_puts();
  /// From now on no job is given to a client. A reserve is answered TIMED_OUT at once and a reserve-job NOT_FOUND, also
  /// one that waits. A connection ends when it holds no job and its replies are written.
  void drain();
  /// True when no client has anything left but replies that it does not read; false when `until` comes first.
  loop::awaitable<bool> drained(instant until);
  /// Ends each connection as soon as its replies are written. The jobs that it holds become ready again.
  void finish();
  /// Suspends until all connections have released everything. Requires: no connection arrives any more.
  loop::awaitable<> close();

  [[nodiscard]] const session_counts& counts() const noexcept;
  /// The client whose connection has that session, for people; empty if none has. Costs the number of connections.
  [[nodiscard]] std::string peer_name(session_id session) const;

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::beanstalk
