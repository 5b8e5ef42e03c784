#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

namespace millrace::tools {

inline constexpr std::size_t kept_lines_max = 10'000;    ///< further lines are counted only
inline constexpr std::size_t kept_line_bytes_max = 256;  ///< the rest of a line is cut
inline constexpr std::size_t kept_error_bytes_max = std::size_t{64} * 1024;

/// A line of standard output.
struct printed_line {
  duration at{0};  ///< when it arrived, since the start of the program
  std::string text;
};

/// What one run of a program took, from its start to its end.
struct program_run {
  int status{0};  ///< its exit status, or 128 and the number of the signal that ended it
  duration wall{0};
  duration cpu{0};  ///< of all its threads and of children that it waited for, in user and system mode
  std::uint64_t peak_memory_bytes{0};
  std::uint64_t context_switches{0};
  std::vector<printed_line> lines;
  std::uint64_t line_count{0};
  std::string error_output;  ///< the end of its standard error
};

/// Runs a program to its end, without input. Blocks. Processes that it started and left are not waited for. A name
/// without a slash is looked up in PATH. Python programs write each line at once (PYTHONUNBUFFERED), so that the times
/// of lines mean something. An error: it could not be started.
[[nodiscard]] result<program_run> run_program(const std::vector<std::string>& command);

}  // namespace millrace::tools
