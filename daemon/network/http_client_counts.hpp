#pragma once

#include <cstdint>

#include <millrace/base/counters.hpp>

#include "loop/backpressure.hpp"

namespace millrace::network {

/// The connections of HTTP clients that count together. Written and read on the loop.
struct http_client_counts {
  std::uint64_t busy{0};       ///< connections that a request has, those that are being opened included
  std::uint64_t kept{0};       ///< open, for the next request
  counter opened;              ///< attempts, also those that failed
  loop::backpressure waiting;  ///< requests that wait because of `connections_per_host`
};

}  // namespace millrace::network
