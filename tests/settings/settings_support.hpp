#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "settings/diagnostic_list.hpp"
#include "settings/load.hpp"

namespace millrace::settings {

/// All kinds of the daemon. Valid as long as the program runs.
const vocabulary& builtin_vocabulary();

/// Kinds for tests: the source `drip` (`drops`, `from`, `wet`), and the handlers `cup` and `mill`, which computes.
const vocabulary& test_vocabulary();

/// One line for each diagnostic, with the file name only.
std::string text_of(const std::vector<diagnostic>& diagnostics);

std::string read_text(const std::filesystem::path& path);
std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder, const std::string& extension);

}  // namespace millrace::settings
