#pragma once

#include <string>
#include <vector>

#include "tools/exit_code.hpp"

namespace millrace::tools {

/// `millrace compare`: one workload in several modes, each run in a fresh process, and other programs beside it. Runs
/// alternate, so that a machine that grows warm or busy favours none.
exit_code compare(const std::vector<std::string>& words);

}  // namespace millrace::tools
