#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "http/routes.hpp"
#include "network/listener.hpp"

namespace millrace::http {

/// What one connection may use up.
struct session_limits {
  std::uint32_t header_bytes_max{16u << 10};  ///< request line and headers; beyond: 431
  std::uint64_t body_bytes_max{64u << 10};    ///< beyond: 413
  std::uint32_t requests_max{10'000};         ///< on one connection; the last answer closes it
  duration request_deadline{seconds{10}};     ///< from the first byte of a request to its last
  duration response_deadline{seconds{30}};    ///< to take the whole answer
  duration idle_deadline{seconds{60}};        ///< between two requests
  duration linger_deadline{
      seconds{1}};  ///< after a refusal: how long the rest is read and dropped, so that the client sees the answer
};

/// The HTTP connections of one door: each reads requests within its limits and writes the routes' answers in order. A
/// request that is malformed, ambiguous (`http/request_head.hpp`) or too large is refused (400, 413, 431, 501) and its
/// connection closed, so that nothing behind it is read as a request. A client that is too slow is disconnected without
/// an answer.
///
/// Loop thread only. Outlives the listener whose `service` it is; a connection ends with its client, at a deadline, or
/// when its task is cancelled.
class sessions {
 public:
  sessions(loop::event_loop& loop, const routes& where, session_limits limits = {});
  ~sessions();
  sessions(const sessions&) = delete;
  sessions& operator=(const sessions&) = delete;

  /// Where errors are counted: names the codes there. Set before the first connection; outlives the connections.
  void count_in(network::listener_counts& counts);

  loop::awaitable<> serve(network::stream_socket socket);
  /// The same for one request, which must come at once: the process has no descriptor left for others.
  loop::awaitable<> serve_once(network::stream_socket socket);

  /// From now on connections close after the answer in hand; those without a request close at once.
  void finish();

 private:
  loop::awaitable<> serve_within(const session_limits& limits, network::stream_socket socket);

  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::http
