#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "network/http_client_counts.hpp"
#include "network/http_exchange.hpp"
#include "network/tls.hpp"
#include "network/url.hpp"

namespace millrace::network {

struct http_client_options {
  tls_options tls;
  bool expects_tls{true};  ///< false: the certificates of the system are read before the first secure connection
  std::uint32_t connections_per_host{100};
  duration idle_time{seconds{30}};
  duration connect_timeout{seconds{10}};  ///< name, connection and TLS
  duration request_timeout{minutes{1}};   ///< all of it, from the first connection to the last byte, with redirects
  std::uint32_t redirects_max{5};         ///< 0: the answer of the redirect itself is returned
  std::size_t body_bytes_max{std::size_t{1} << 20};  ///< of an answer
};

/// Requests over connections that are kept for the next request to the same scheme, host and port. At most
/// `connections_per_host` are open for one of these; further requests wait in the order in which they came. A
/// connection that nobody has used for `idle_time` is closed; of all hosts together, at most `kept_max` are kept.
///
/// If the server has closed a kept connection, the request is repeated once, on a new one, provided that no byte of the
/// answer came and the method may be repeated (RFC 9110, section 9.2.2). Redirects are followed up to `redirects_max`
/// times, but never from https to http. After a redirect to another scheme, host or port the headers of the request are
/// not sent any more.
///
/// Owned by its user; loop thread only. A cancelled task throws operation_aborted. Kept connections have a deadline,
/// which keeps the loop running until they are closed. Requires: no task is in `fetch` then.
class http_client {
 public:
  static constexpr std::size_t kept_max = 1'000;

  /// `counts` may be shared by several clients, and outlives them. Errors: of the files of `tls`.
  [[nodiscard]] static result<std::unique_ptr<http_client>> make(loop::event_loop& loop,
                                                                 const http_client_options& options,
                                                                 http_client_counts& counts);
  ~http_client();
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;

  /// The answer, whatever its status. `request.target` is replaced by that of `destination`. The code of an error:
  /// `rejected` for too many or forbidden redirects and for an answer that is too long, `timed_out`, or others.
  [[nodiscard]] loop::awaitable<result<http_answer>> fetch(url destination, http_request request);

  /// Connections in use and kept.
  [[nodiscard]] std::size_t open_connections() const noexcept;

 private:
  struct parts;
  http_client(loop::event_loop& loop, const http_client_options& options, tls_context context,
              http_client_counts& counts);

  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::network
