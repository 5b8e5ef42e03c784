#pragma once

#include <cstdint>
#include <memory>

#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "beanstalk/counts.hpp"
#include "beanstalk/limits.hpp"
#include "broker/broker.hpp"
#include "network/listener.hpp"

namespace millrace::beanstalk {

/// All connections of the beanstalk protocol. Each is told when bytes have come, reads them, carries all of it out and writes once; what it waits for in
/// a reserve or a put before a full queue comes as a decision of the broker, while it goes on reading. Its coroutine waits for its end.
///
/// Owned by whoever owns the door; loop thread only. `close` must have returned before it is destroyed.
class sessions {
 public:
  /// `door` counts the connections and gets the names of the errors. All three outlive it.
  sessions(loop::event_loop& loop, broker::broker& broker, network::door_counts& door, session_limits limits = {});
  ~sessions();
  sessions(const sessions&) = delete;
  sessions& operator=(const sessions&) = delete;

  /// Serves one connection to its end.
  loop::awaitable<> serve(network::stream_socket socket);

  /// Every put is answered DRAINING from now on; all else goes on, for ever.
  void refuse_puts();
  /// The daemon ends: no job is given to a client any more. A reserve is answered TIMED_OUT at once, a reserve-job NOT_FOUND, also one that waits. A
  /// connection ends when it holds no job and its replies are written.
  void drain();
  /// True when no client has anything left but replies that it does not read; false when `until` came before.
  loop::awaitable<bool> drained(instant until);
  /// Ends all connections, each as soon as the replies it is owed are written; what they hold becomes ready again.
  void finish();
  /// Until all have let go; no connection may come any more.
  loop::awaitable<> close();

  [[nodiscard]] const session_counts& counts() const noexcept;

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::beanstalk
