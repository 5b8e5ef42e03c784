#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace millrace::telemetry {

/// Facts about this process from the operating system. Unknown ones are nullopt, and are not exported.
struct process_facts {
  std::optional<double> cpu_seconds;
  std::optional<std::uint64_t> resident_bytes, virtual_bytes;
  std::optional<std::uint64_t> open_fds, max_fds, threads;
  std::optional<double> start_time_seconds;  ///< since 1970
};
/// Reads files below `proc`, so it must not be called on the loop thread.
[[nodiscard]] process_facts read_process_facts(const std::string& proc = "/proc");

}  // namespace millrace::telemetry
