#pragma once

#include <string>
#include <vector>

#include "tools/exit_code.hpp"

namespace millrace::tools {

/// `millrace bench` with the words behind it: runs the load, prints what came of it.
exit_code bench(const std::vector<std::string>& words);

}  // namespace millrace::tools
