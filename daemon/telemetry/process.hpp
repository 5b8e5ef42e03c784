#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace millrace::telemetry {

/// What the operating system says of this process. What it does not say is empty, and not exported as 0.
struct process_facts {
  std::optional<double> cpu_seconds;
  std::optional<std::uint64_t> resident_bytes, virtual_bytes;
  std::optional<std::uint64_t> open_fds, max_fds, threads;
  std::optional<double> start_time_seconds;  ///< since 1970
};
/// Reads files below `proc`: not on the loop's thread.
[[nodiscard]] process_facts look_at_process(const std::string& proc = "/proc");

}  // namespace millrace::telemetry
