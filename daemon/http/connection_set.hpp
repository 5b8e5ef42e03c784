#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "http/routes.hpp"
#include "network/listener.hpp"

namespace millrace::http {

/// Limits of one connection.
struct connection_limits {
  std::uint32_t header_bytes_max{16u << 10};  ///< request line and headers; beyond: 431
  std::uint64_t body_bytes_max{64u << 10};    ///< beyond: 413
  std::uint32_t requests_max{10'000};         ///< the last answer closes the connection
  duration request_deadline{seconds{10}};     ///< from the first byte of a request to its last
  duration response_deadline{seconds{30}};    ///< for the client to receive the whole answer
  duration idle_deadline{seconds{60}};        ///< between two requests
  duration linger_deadline{seconds{1}};       ///< for discarding further bytes after the last answer
};

/// The HTTP connections of a server. Each one reads requests within its limits and writes the answers in order. A
/// request that is malformed, ambiguous (`http/request_head.hpp`) or too large is refused (400, 413, 431, 501). Then
/// the connection is closed, so that no following byte is read as a request. A client that is too slow is
/// disconnected without an answer.
///
/// Owned by the server. Loop thread only. Outlives the listener.
///
/// A connection ends with its client, at a deadline, or when its task is cancelled.
class connection_set {
 public:
  connection_set(loop::event_loop& loop, const routes& routes, connection_limits limits = {});
  ~connection_set();
  connection_set(const connection_set&) = delete;
  connection_set& operator=(const connection_set&) = delete;

  /// Counts errors there, by code. Requires: there is no connection yet, and `counts` outlives all connections.
  void count_in(network::listener_counts& counts);

  loop::awaitable<> serve(network::stream_socket socket);
  /// Serves one request within short deadlines. For a process that has no descriptor left for other connections.
  loop::awaitable<> serve_once(network::stream_socket socket);

  /// Closes connections after their current answer, and idle connections at once.
  void finish();

 private:
  loop::awaitable<> serve_within(const connection_limits& limits, network::stream_socket socket);

  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::http
