#pragma once

#include <functional>
#include <string>
#include <vector>

#include "workload/options.hpp"

namespace millrace::settings {

/// Consumers connect queues: each queue with the output and with the dead letter queue.
enum class followed_edges { outputs, dead_letters, both };

/// A cycle of queues, in which a job that always moves on would never end.
struct output_cycle {
  std::string consumer;  ///< its output or dead letter queue closes the cycle
  std::string path;      ///< the queues: `a → b → a`
};

/// The dead letter queue of a queue; empty: it has none.
using dead_letter_of_queue = std::function<std::string(const std::string& queue)>;

/// One cycle for each edge that closes one. The time is linear in the number of edges. `dead_letter_of` applies where a
/// consumer has no dead letter queue of its own; empty: it is not followed.
[[nodiscard]] std::vector<output_cycle> find_output_cycles(const std::vector<workload::consumer_settings>& consumers,
                                                           followed_edges followed,
                                                           const dead_letter_of_queue& dead_letter_of = {});

/// A cycle of producers that wait for each other.
struct producer_cycle {
  std::string producer;  ///< its `after` closes the cycle
  std::string path;      ///< the producers: `a → b → a`
};
[[nodiscard]] std::vector<producer_cycle> find_producer_cycles(
    const std::vector<workload::producer_settings>& producers);

}  // namespace millrace::settings
