#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <millrace/base/body.hpp>
#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "network/client_stream.hpp"

namespace millrace::network {

struct http_header {
  std::string name;
  std::string value;  ///< without line breaks
};

/// What is sent. `Host` and `Content-Length` are added.
struct http_request {
  std::string method{"GET"};
  std::string target{"/"};
  std::vector<http_header> headers{};
  body content{};
};

struct http_answer {
  unsigned status{0};
  std::vector<http_header> headers;
  std::string body;

  /// The value of the first header of that name, in any case; empty: there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
};

struct exchange_limits {
  instant until{never};
  std::size_t body_bytes_max{0};  ///< of the answer
};

/// What is known after an exchange, also after one that failed.
struct exchange_end {
  bool answer_began{false};  ///< at least one byte of it came
  bool is_reusable{false};   ///< the stream may be used for another exchange
};

/// The largest head of an answer that is read.
inline constexpr std::size_t answer_head_bytes_max = std::size_t{64} * 1024;
/// Answers of the kind 1xx, which come before the real one, are skipped up to this number.
inline constexpr unsigned interim_answers_max = 16;

/// Sends one request of HTTP/1.1 on an open stream and reads the answer. The error names the peer and the reason; one
/// with the code `out_of_range` says that the answer is longer than the limit. Loop thread only; a cancelled task
/// throws operation_aborted, and the stream must not be used any more. The references must outlive the call.
[[nodiscard]] loop::awaitable<result<http_answer>> exchange(client_stream& stream, const std::string& authority,
                                                            const http_request& request, exchange_limits limits,
                                                            exchange_end& end);

/// The same on a connection of its own: for requests to a daemon on this machine. After `until` the error is
/// `timed_out`.
[[nodiscard]] loop::awaitable<result<http_answer>> exchange_once(loop::event_loop& loop, address server,
                                                                 http_request request, exchange_limits limits);

}  // namespace millrace::network
