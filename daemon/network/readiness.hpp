#pragma once

#include <memory>

#include <boost/system/error_code.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

namespace millrace::network {

/// What has changed at a socket since the last call of its listener.
struct ready_events {
  bool readable{false};       ///< bytes have arrived, or an end
  bool urgent{false};         ///< urgent data has arrived: a receive stops before it, although there may be more
  bool writable{false};       ///< the system accepts bytes again
  bool peer_shutdown{false};  ///< the peer sends no more; bytes that it sent may be unread
  bool hung_up{false};        ///< the peer receives nothing any more; bytes that it sent may be unread
};

/// The owner of a watched socket. Called on the loop's thread, outside of any task, never inside one of its own calls.
class readiness_listener {
 public:
  virtual void on_ready(ready_events events) = 0;

 protected:
  ~readiness_listener() = default;
};

/// Watches many sockets through one epoll descriptor, for which the loop waits. One wake-up calls the listeners of at
/// most `events_per_turn` sockets and for at most `turn_max`, before the loop does other things. No receive is made in
/// vain, and no operation is allocated.
///
/// Only changes are announced: a listener that leaves bytes unread must come back by itself or call `announce_again`.
/// The state of a socket when it is added is announced. That a socket is writable again is announced to those that
/// asked for it.
///
/// Owned by the owner of the sockets; loop thread only. It keeps the loop running while it watches any socket.
/// Requires: it watches none when it is destroyed.
class readiness {
 public:
  static constexpr int events_per_turn = 64;
  static constexpr duration turn_max = microseconds{500};

  /// Throws when the system has no descriptor left.
  explicit readiness(loop::event_loop& loop);
  ~readiness();
  readiness(const readiness&) = delete;
  readiness& operator=(const readiness&) = delete;

  /// Calls `listener` for `descriptor`, a connected socket, until it is removed. The error is that of a system without
  /// memory for it.
  [[nodiscard]] boost::system::error_code add(int descriptor, readiness_listener& listener);
  /// From now on `writable` is announced too, at once if the socket is writable already.
  void watch_writable(int descriptor, readiness_listener& listener);
  /// Announces the present state at a later turn, for a listener that left bytes unread. Requires: `watch_writable` was
  /// not called for it.
  void announce_again(int descriptor, readiness_listener& listener);
  /// Before the descriptor is closed. Pending announcements are dropped.
  void remove(int descriptor, readiness_listener& listener) noexcept;

 private:
  struct parts;
  std::shared_ptr<parts> parts_;
};

}  // namespace millrace::network
