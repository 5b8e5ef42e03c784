#pragma once

#include <array>
#include <cstdint>

#include "broker/broker.hpp"
#include "workload/workload.hpp"

namespace millrace::telemetry {

/// What a run came to, in numbers.
struct run_result {
  std::array<std::uint64_t, engine::outcome_count> outcomes{};  ///< of the settings' consumers
  std::uint64_t producer_errors{0};
  std::uint64_t buried{0}, dead_lettered{0}, rejected{0};  ///< in all queues, clients' jobs included

  /// No job failed, was late, buried, dead-lettered or refused, and no producer had an error.
  [[nodiscard]] bool all_done() const noexcept;
};

/// Loop thread, at the end: its cost grows with the number of queues.
[[nodiscard]] run_result result_of(const broker::broker& broker, const workload::workload& work);

}  // namespace millrace::telemetry
