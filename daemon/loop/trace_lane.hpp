#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <millrace/base/time.hpp>

namespace millrace::loop {

/// The row of a task, a thread or a process in a trace. Each has one of these; the recorder fills it in.
struct trace_lane {
  std::uint32_t trace{0};   ///< the number of the trace that `number` belongs to
  std::uint32_t number{0};  ///< 0: it has no row
};

/// The rows of something that may work on several jobs at the same time: as many rows as jobs.
class trace_lanes {
 public:
  /// A row for work from `begun` to `end`, with nothing else in that time. Requires: the ends come in order.
  trace_lane& free_from(instant begun, instant end) {
    auto found = std::find_if(all_.begin(), all_.end(), [begun](const row& one) { return one.used_until <= begun; });
    if (found == all_.end()) found = all_.emplace(all_.end());
    found->used_until = end;
    return found->lane;
  }

 private:
  struct row {
    trace_lane lane;
    instant used_until{};
  };
  std::vector<row> all_;
};

}  // namespace millrace::loop
