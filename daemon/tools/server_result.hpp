#pragma once

#include <string>
#include <vector>

#include "tools/bench_arguments.hpp"
#include "tools/run_stats.hpp"

namespace millrace::tools {

/// The results of the runs against one server.
struct server_result {
  std::string server;
  std::vector<run_stats> runs;

  /// The statistics of all runs together.
  [[nodiscard]] run_stats merged() const;
};

/// The jobs that count in this phase: those that were put, or those that were deleted.
[[nodiscard]] std::uint64_t jobs_counted(const run_stats& run, bench_phase phase);
/// Jobs and commands per second of the measured time.
[[nodiscard]] double jobs_per_second(const run_stats& run, bench_phase phase);
[[nodiscard]] double commands_per_second(const run_stats& run);
/// The latency that represents a run: that of whole jobs if there are any, else of the first command of the phase.
[[nodiscard]] const latencies& headline(const run_stats& run, bench_phase phase);

/// The first server's figures divided by the second's, pair by pair of runs.
struct ratio {
  double median{0};
  double least{0};
  double most{0};
};
[[nodiscard]] ratio throughput_ratio(const server_result& first, const server_result& second, bench_phase phase);
[[nodiscard]] ratio p99_ratio(const server_result& first, const server_result& second, bench_phase phase);

}  // namespace millrace::tools
