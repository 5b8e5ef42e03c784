#pragma once

#include <string>
#include <vector>

#include "tools/exit_code.hpp"

namespace millrace::tools {

/// `millrace trace FILE`: shows a trace as a table or an SVG drawing. `millrace trace start FILE`, `stop` and `state`
/// (or no word) ask a daemon that runs.
exit_code trace(const std::vector<std::string>& words);

}  // namespace millrace::tools
