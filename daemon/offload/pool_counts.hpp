#pragma once

#include <cstdint>

#include <millrace/base/counters.hpp>

namespace millrace::offload {

/// Counters of a pool. Written on the loop only: workers report their busy time with each result.
struct pool_counts {
  std::uint32_t workers{0};
  std::uint32_t busy{0};
  std::uint64_t pending{0};  ///< submitted, not begun
  counter busy_nanoseconds;
  histogram wait;  ///< submitted → begun
};

}  // namespace millrace::offload
