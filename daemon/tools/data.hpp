#pragma once

#include <string>
#include <vector>

#include "tools/exit_code.hpp"

namespace millrace::tools {

/// The tools that look into a data directory while no daemon has it: each takes the directory's lock, so that a running daemon is
/// refused. The words are those behind the tool's name. `cannot_open` means that nothing was begun; what fails later, a disk without space among it,
/// is `failed`, and what was to be filled is as it was.
exit_code fsck(const std::vector<std::string>& words);
exit_code dump(const std::vector<std::string>& words);
exit_code restore(const std::vector<std::string>& words);
exit_code import(const std::vector<std::string>& words);

}  // namespace millrace::tools
