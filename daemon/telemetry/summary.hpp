#pragma once

#include <string>
#include <vector>

#include <millrace/base/counters.hpp>
#include <millrace/base/time.hpp>

#include "broker/broker.hpp"
#include "workload/workload.hpp"

namespace millrace::telemetry {

/// Facts about a run that broker and workload do not have.
struct run_facts {
  duration wall{0};
  std::vector<std::string> served_queues;  ///< queues with a consumer
  bool held_up{false};                     ///< the run ended because of a full queue that nothing will empty
  histogram loop_lag{};                    ///< of the event loop
};

/// Consumers and queues that have a line of their own. One more line counts the others.
inline constexpr std::size_t summary_lines_max = 50;

/// The summary of a run with `--until-idle`, as lines of text: jobs by outcome, in total and for each consumer; jobs
/// that were dropped, expired or cancelled; the median and the 99th percentile of wait and service; buried jobs and
/// jobs that are left; wall time, processor time and peak memory. Called at the end of the run, since the cost is
/// linear in the number of queues. Loop thread.
[[nodiscard]] std::string summary(const broker::broker& broker, const workload::workload& work, const run_facts& run);

/// The summary as one line of JSON: all consumers, producers and queues that are not empty, with times in seconds.
[[nodiscard]] std::string summary_json(const broker::broker& broker, const workload::workload& work,
                                       const run_facts& run);

}  // namespace millrace::telemetry
