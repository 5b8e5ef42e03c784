#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <millrace/base/counters.hpp>

#include "offload/pool_counts.hpp"

namespace millrace::offload {

/// Why a worker process ended and another one was started in its place. A label of metrics.
enum class worker_end : std::uint8_t {
  exited,        ///< by itself
  killed,        ///< by a signal that the daemon did not send
  protocol,      ///< it wrote a line that it may not write, or does not read any more
  cancelled,     ///< it went on with a job that was cancelled or late
  recycled,      ///< it was old enough
  limit,         ///< it used more memory or processor time than a limit allows
  start_failed,  ///< it could not be started
};
inline constexpr std::size_t worker_end_count = 7;

[[nodiscard]] constexpr std::string_view name_of(worker_end reason) noexcept {
  constexpr std::array<std::string_view, worker_end_count> names{"exited",   "killed", "protocol",    "cancelled",
                                                                 "recycled", "limit",  "start_failed"};
  return names[static_cast<std::size_t>(reason)];
}

/// What a pool of worker processes counts, or several together. Written on the loop.
struct worker_counts {
  pool_counts pool;  ///< `workers`: processes that run; `pending`: jobs that wait for one
  std::array<counter, worker_end_count> restarts;
};

/// All worker processes of the program.
struct worker_pool_counts {
  worker_counts workers;    ///< of `handler: worker`
  worker_counts processes;  ///< of `run_on: processes`
};

}  // namespace millrace::offload
