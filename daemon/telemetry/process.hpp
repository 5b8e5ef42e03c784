#pragma once

#include <cstdint>

namespace millrace::telemetry {

/// What the operating system says of this process. Reads /proc: not on the loop's thread.
struct process_facts {
  double cpu_seconds{0};
  std::uint64_t resident_bytes{0}, virtual_bytes{0};
  std::uint64_t open_fds{0}, max_fds{0}, threads{0};
  double start_time_seconds{0};  ///< since 1970
};
[[nodiscard]] process_facts look_at_process();

}  // namespace millrace::telemetry
