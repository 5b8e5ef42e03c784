#pragma once

#include <string>
#include <vector>

#include "workload/options.hpp"

namespace millrace::settings {

/// Outputs that lead back to where they came from: a job that is always handed on would never end.
struct output_circle {
  std::string consumer;  ///< whose output closes it
  std::string path;      ///< `a → b → a`, the queues
};

/// One for each output that closes a circle. Time grows with consumers and their queues together.
[[nodiscard]] std::vector<output_circle> find_output_circles(const std::vector<workload::consumer_settings>& consumers);

}  // namespace millrace::settings
