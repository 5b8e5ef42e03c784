#pragma once

#include <string>
#include <vector>

#include "tools/exit_code.hpp"

namespace millrace::tools {

/// The tools that look into a data directory while no daemon has it: each takes the directory's lock, so that a running daemon is
/// refused. The words are those behind the tool's name.
exit_code fsck(const std::vector<std::string>& words);
exit_code dump(const std::vector<std::string>& words);
exit_code restore(const std::vector<std::string>& words);
exit_code import(const std::vector<std::string>& words);

}  // namespace millrace::tools
