#pragma once

#include <cstdint>
#include <memory>

#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "beanstalk/counts.hpp"
#include "broker/broker.hpp"
#include "network/listener.hpp"

namespace millrace::beanstalk {

/// Limits of the door.
struct session_limits {
  std::uint32_t job_bytes_max{65'535};    ///< a put beyond it is answered JOB_TOO_BIG; at most 2^30
  std::size_t reply_bytes_max{1u << 20};  ///< replies that a client leaves unread; beyond it, it is not read any more
  std::size_t input_bytes_max{
      64u << 10};  ///< commands behind one that waits; beyond it, the client is not read any more
  /// Memory held for all clients together (`session_counts::held_bytes`); beyond it each client gets one reply at a time, is not read while it waits,
  /// and a list of tubes or a put that would wait for room is answered OUT_OF_MEMORY.
  std::uint64_t all_held_bytes_max{256u << 20};
  std::uint64_t all_bodies_bytes_max{
      256u << 20};  ///< what has come of bodies that are still coming in; beyond it: OUT_OF_MEMORY
  duration first_command_deadline{seconds{60}};  ///< for a client that connects and says nothing
};
inline constexpr std::uint32_t job_bytes_most = 1u << 30;

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
