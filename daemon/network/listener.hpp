#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <millrace/base/counters.hpp>
#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "network/bound_socket.hpp"
#include "network/options.hpp"

namespace millrace::network {

/// A connected socket, TCP or Unix alike, on the loop.
using stream_socket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, loop::executor>;

/// Counters of one listener. The listener counts the connections. The protocol behind it names its errors at the start,
/// so that each is shown as 0 from the beginning, and counts them.
struct listener_counts {
  std::uint32_t connections{0};
  counter opened;
  counter accept_errors;
  std::vector<std::pair<std::string_view, counter>> protocol_errors;  ///< by code, which is a string literal

  /// Counts one. Requires: `code` was named at the start (asserted).
  void protocol_error(std::string_view code) noexcept;
};

/// Accepts connections at one address and serves each in a task of its own.
///
/// At `connections_max` it stops accepting: further clients wait in the kernel's backlog until a connection ends. When
/// the process has no descriptor left, clients are accepted one at a time on a reserve descriptor and served by
/// `last_resort`; without one they are closed at once. After another failure it pauses for `accept_pause`, so that a
/// lasting failure costs no processor time.
///
/// The file of a Unix socket is removed at the end, unless another program has put its own in its place (another
/// inode).
///
/// Owned by the server of the protocol behind it; loop thread only. Stops by `close`. Requires: `close` has returned
/// before it is destroyed.
class listener {
 public:
  /// Serves one connection until it ends. An exception is logged and ends that connection only.
  using service = std::function<loop::awaitable<>(stream_socket)>;

  static constexpr duration accept_pause = milliseconds{100};
  static constexpr duration last_resort_max = seconds{2};
  /// Between two log lines while accepting fails.
  static constexpr duration warning_interval = seconds{10};

  /// `name` begins the names of the tasks: `http#17`. `last_resort` must answer and return soon, since no other client
  /// is accepted meanwhile. After `last_resort_max` it is cancelled.
  listener(loop::event_loop& loop, std::string name, service serve, service last_resort = {});
  ~listener();
  listener(const listener&) = delete;
  listener& operator=(const listener&) = delete;

  /// Begins to listen. The error names the address and the reason: `127.0.0.1:9464: address already in use`.
  result<> open(const listener_options& options);
  /// As above, with a socket that is already bound.
  result<> open(bound_socket socket, std::uint32_t connections_max);
  /// Where it listens, with the port that the kernel chose.
  [[nodiscard]] const address& local_address() const noexcept;

  /// Accepts nothing from now on. Connections go on.
  void stop_accepting();
  /// Stops accepting, cancels the connections that have not ended after `patience`, and returns when all have ended.
  loop::awaitable<> close(duration patience);

  [[nodiscard]] listener_counts& counts() noexcept;
  [[nodiscard]] const listener_counts& counts() const noexcept;

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::network
