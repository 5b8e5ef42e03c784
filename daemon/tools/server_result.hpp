#pragma once

#include <string>
#include <vector>

#include "tools/bench_arguments.hpp"
#include "tools/tally.hpp"

namespace millrace::tools {

/// The runs against one server.
struct measured {
  std::string server;
  std::vector<tally> runs;

  /// Of all runs together.
  [[nodiscard]] tally merged() const;
};

/// Jobs that went the phase's way: put, or taken out.
[[nodiscard]] std::uint64_t jobs_counted(const tally& run, bench_phase phase);
/// Those, and commands, per second of what was measured.
[[nodiscard]] double jobs_per_second(const tally& run, bench_phase phase);
[[nodiscard]] double commands_per_second(const tally& run);
/// What a run's latency is judged by: of whole jobs where there are such, else of the phase's first command.
[[nodiscard]] const latencies& headline(const tally& run, bench_phase phase);

/// The first server's figures divided by the second's, pair by pair of runs.
struct ratio {
  double median{0};
  double least{0};
  double most{0};
};
[[nodiscard]] ratio throughput_ratio(const measured& first, const measured& second, bench_phase phase);
[[nodiscard]] ratio p99_ratio(const measured& first, const measured& second, bench_phase phase);

}  // namespace millrace::tools
