#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <string>
#include <vector>

#include <millrace/base/result.hpp>

namespace millrace::tools {

/// Something in a row of a trace that took time.
struct trace_bar {
  enum class kind : std::uint8_t {
    work,    ///< on a job
    commit,  ///< of the store, which works on no job
    wait     ///< for something, within or between jobs
  };
  kind type{kind::work};
  double begin{0}, length{0};  ///< seconds, from the begin of the trace
  std::string name{};          ///< the beginning of the job's text, or what was waited for
  std::uint64_t job{0};        ///< 0: none
  std::string outcome{};       ///< `ok`; empty: unknown
};

/// What one task, thread or process did. Bars are in the order of their begins.
struct trace_row {
  std::string group;  ///< `tasks`, `threads`
  std::string name;   ///< `primality#2`
  std::vector<trace_bar> bars;

  [[nodiscard]] bool has_work() const noexcept;
};

/// What `millraced --trace` has recorded, as far as it can be drawn: the states of jobs are not in it.
struct trace_rows {
  std::vector<trace_row> rows;       ///< by group, then by the names of consumers as they first came, then by slot
  double seconds{0};                 ///< the end of the last event
  std::vector<std::string> notes{};  ///< that it is full, or that events were left out
  bool cut_off{false};               ///< the closing `]` is missing: the daemon was killed, or still records
};

/// Bars of one trace that are kept; further ones are left out, and a note says so.
inline constexpr std::size_t trace_bars_max = 2'000'000;

/// Reads a trace line by line. The error: it is no trace of millraced, or a number of an event is absurd.
[[nodiscard]] result<trace_rows> read_trace(std::istream& from);

}  // namespace millrace::tools
