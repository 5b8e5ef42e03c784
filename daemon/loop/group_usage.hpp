#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <millrace/base/time.hpp>

namespace millrace::loop {

/// What a process uses, from its line in /proc.
struct process_usage {
  pid_t process{0};
  pid_t group{0};
  std::string name;         ///< at most 15 characters
  std::uint64_t memory{0};  ///< bytes of resident memory
  duration cpu{0};          ///< of the process and of those of its children that it has waited for
};

/// What the processes of a group use together.
struct group_usage {
  std::uint64_t memory{0};
  duration cpu{0};
  process_usage largest;  ///< the process with the most memory
};

/// Parses the text of /proc/PID/stat (man 5 proc). nullopt: it is none.
[[nodiscard]] std::optional<process_usage> parse_process_usage(std::string_view text);

/// Reads the files of all processes, so its cost grows with their number. A group without a process has no entry.
/// Processes that this one may not see (hidepid) are missing. Any thread.
[[nodiscard]] std::map<pid_t, group_usage> usage_of_groups(std::span<const pid_t> groups);

}  // namespace millrace::loop
