#pragma once

#include <string>
#include <vector>

#include "tools/exit_code.hpp"

namespace millrace::tools {

/// The tools for a data directory that no daemon uses. Each takes the lock of the directory, so it refuses the
/// directory of a running daemon. `words` are the arguments behind the name of the tool. `cannot_open`: nothing was
/// begun. `failed`: `fsck` found faults, or an error came later, for example a full disk; a directory that was to be
/// filled is unchanged.
exit_code fsck(const std::vector<std::string>& words);
exit_code dump(const std::vector<std::string>& words);
exit_code restore(const std::vector<std::string>& words);
exit_code import(const std::vector<std::string>& words);

}  // namespace millrace::tools
