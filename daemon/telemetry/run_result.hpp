#pragma once

#include <array>
#include <cstdint>

#include "broker/broker.hpp"
#include "workload/workload.hpp"

namespace millrace::telemetry {

/// The counts of a run.
struct run_result {
  std::array<std::uint64_t, engine::outcome_count> outcomes{};  ///< of the consumers of the settings
  std::uint64_t retried{0}, postponed{0}, interrupted{0};       ///< attempts of those consumers
  std::uint64_t producer_errors{0};
  std::uint64_t buried{0}, dead_lettered{0}, rejected{0};  ///< in all queues, also jobs of clients
  /// Jobs in all queues that ended without a result and without a last failure, whether they were attempted or not.
  std::uint64_t dropped{0}, expired{0}, cancelled{0};

  /// True if no job failed or timed out for the last time, or was buried, dead-lettered or rejected, and no producer
  /// had an error.
  [[nodiscard]] bool all_done() const noexcept;
};

/// Called at the end of the run, since the cost is linear in the number of queues. Loop thread.
[[nodiscard]] run_result result_of(const broker::broker& broker, const workload::workload& work);

}  // namespace millrace::telemetry
