#pragma once

#include <cstdint>

#include <millrace/base/result.hpp>
#include <millrace/loop/event_loop.hpp>

#include "beanstalk/session.hpp"
#include "broker/broker.hpp"
#include "network/listener.hpp"

namespace millrace::beanstalk {

/// The beanstalk door: a listener and the sessions behind it.
///
/// Owned by the daemon; loop thread only. `close` must have returned before it is destroyed.
class server {
 public:
  /// What clients get to write and read what they are owed once the server ends.
  static constexpr duration closing_patience = seconds{2};

  server(loop::event_loop& loop, broker::broker& broker, session_limits limits = {});

  /// Begins to listen; the queue `default` exists from now on.
  result<> open(const network::door_options& options);
  /// The same with a socket that was bound before.
  result<> open(network::bound_socket socket, std::uint32_t connections_max);
  [[nodiscard]] const network::address& local_address() const noexcept { return door_.local_address(); }

  /// Every put is answered DRAINING from now on; all else goes on, for ever.
  void refuse_puts() { sessions_.refuse_puts(); }
  /// No more connections and puts, and no job for anybody; who holds jobs may finish them, all others end as soon as they have the replies they are owed.
  void drain();
  /// After `drain`: true when no client holds a job or has a command that is not answered; false when `patience` is over before.
  loop::awaitable<bool> drained(duration patience);
  /// Drains without waiting for jobs that clients hold, and returns when all connections have ended; those that do not take their replies in time
  /// are cut.
  loop::awaitable<> close(duration patience = closing_patience);

  [[nodiscard]] const network::door_counts& connections() const noexcept { return door_.counts(); }
  [[nodiscard]] const session_counts& counts() const noexcept { return sessions_.counts(); }

 private:
  loop::event_loop& loop_;
  broker::broker& broker_;
  network::listener door_;
  sessions sessions_;
};

}  // namespace millrace::beanstalk
