#pragma once

#include <cstddef>
#include <string>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "network/options.hpp"

namespace millrace::network {

struct http_request {
  std::string method{"GET"};
  std::string target;
  std::string body{};  ///< JSON; empty: none
};

struct http_answer {
  unsigned status{0};
  std::string body;
};

/// The largest body of an answer that is read.
inline constexpr std::size_t http_answer_bytes_max = 64u << 20;

/// Sends one request on a connection of its own and returns the answer. The error names the server and the reason.
/// After `until` it is `timed_out`. Loop thread only; a cancelled task throws operation_aborted.
[[nodiscard]] loop::awaitable<result<http_answer>> exchange(loop::event_loop& loop, address server,
                                                            http_request request, instant until);

}  // namespace millrace::network
