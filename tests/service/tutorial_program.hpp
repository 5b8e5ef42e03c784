#pragma once

#include <string>
#include <vector>

#include "workload/options.hpp"

namespace millrace::testing {

/// The effects of a workload of config/tutorial when each deadline is met exactly.
struct tutorial_run {
  std::vector<std::string> lines;  ///< its output, each line after its time in milliseconds since the start
  long long milliseconds{0};       ///< until nothing was left to do
};

/// Runs the workload with the parts of the daemon on a clock that stands still until all work that is ready is done.
/// So order and times are those of the workload, on any machine. Computations take no time on that clock.
tutorial_run run_tutorial(const std::string& name, workload::mode mode = workload::mode::as_set);

}  // namespace millrace::testing
