#pragma once

#include <string>
#include <vector>

#include <millrace/base/time.hpp>

#include "broker/broker.hpp"
#include "workload/workload.hpp"

namespace millrace::telemetry {

/// What the summary cannot see for itself.
struct run_facts {
  duration wall{0};
  std::vector<std::string> served_queues;  ///< those that a consumer serves
  bool held_up{false};                     ///< it ended before a full queue that nothing will empty
};

/// Consumers and queues that have a line of their own; the rest is one line.
inline constexpr std::size_t summary_lines_max = 50;

/// The words at the end of `--until-idle`: lines of plain text, each ending in a newline. Jobs per outcome, in all and
/// per consumer; what is buried or left where nobody serves it; wall and processor time, peak memory; median and 99th
/// percentile of wait and service. Loop thread, at the end: its cost grows with the number of queues.
[[nodiscard]] std::string summary(const broker::broker& broker, const workload::workload& work, const run_facts& run);

/// The same as one line of JSON, for programs: every consumer, producer and queue that is not empty, times in seconds.
[[nodiscard]] std::string summary_json(const broker::broker& broker, const workload::workload& work,
                                       const run_facts& run);

}  // namespace millrace::telemetry
