#pragma once

#include <string>
#include <vector>

#include "workload/options.hpp"

namespace millrace::settings {

/// Which ways out of a consumer are followed.
enum class ways_out { outputs, dead_letters, both };

/// Ways that lead back to where they came from: a job that is always handed on would never end.
struct output_circle {
  std::string consumer;  ///< whose output or dead letter closes it
  std::string path;      ///< `a → b → a`, the queues
};

/// One for each way that closes a circle. Time grows with consumers and their queues together.
[[nodiscard]] std::vector<output_circle> find_output_circles(const std::vector<workload::consumer_settings>& consumers,
                                                             ways_out followed);

}  // namespace millrace::settings
