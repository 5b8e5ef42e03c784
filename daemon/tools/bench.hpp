#pragma once

#include <string>
#include <vector>

#include "tools/exit_code.hpp"

namespace millrace::tools {

/// Runs `millrace bench` with its arguments `words`, and prints the report.
exit_code bench(const std::vector<std::string>& words);

}  // namespace millrace::tools
