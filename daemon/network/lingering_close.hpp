#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include <millrace/base/time.hpp>
#include <millrace/loop/deadline.hpp>
#include <millrace/loop/event_loop.hpp>

#include "network/plain_socket.hpp"
#include "network/readiness.hpp"

namespace millrace::network {

/// Ends a connection whose client may still be sending. A socket that is closed with unread input sends a reset, which
/// can discard replies that the client has not read. So the sending half is shut down, the input is read and discarded,
/// and the socket is closed when one of these comes first:
/// - the client closes its side;
/// - the client was silent for `silence_max`, and its system has acknowledged everything, the end included;
/// - `discarded_bytes_max` were discarded, or `time_max` is over.
///
/// Owned by the owner of the socket; loop thread only. Stops by `close` or the destructor.
class lingering_close final : private readiness_listener {
 public:
  static constexpr duration time_max = seconds{2};
  static constexpr duration silence_max = milliseconds{100};
  /// More than the system's buffers of one connection hold, by default.
  static constexpr std::size_t discarded_bytes_max = 16u << 20;

  /// `buffer` receives the discarded input; others may use it between two events of the loop. `on_closed` is called on
  /// the loop when the socket was closed, other than by `close`; it must not destroy this object.
  lingering_close(loop::event_loop& loop, readiness& sockets, plain_socket socket, std::span<char> buffer,
                  std::function<void()> on_closed);
  ~lingering_close() { close(); }
  lingering_close(const lingering_close&) = delete;
  lingering_close& operator=(const lingering_close&) = delete;

  /// Shuts down the sending half; the input is read from the next turn on. False: the system has no memory to watch the
  /// socket, and the socket is closed. Requires: the socket is not watched. Call once.
  [[nodiscard]] bool begin();
  /// Closes the socket at once. May be called again.
  void close() noexcept;

 private:
  void on_ready(ready_events events) override;
  void on_check();
  void finish();

  loop::event_loop& loop_;
  readiness& sockets_;
  plain_socket socket_;
  std::span<char> buffer_;
  std::function<void()> on_closed_;
  loop::deadline next_check_;
  instant end_{never};
  std::size_t discarded_{0};
  bool was_silent_{true};  ///< since the last check
  bool watched_{false};
};

}  // namespace millrace::network
