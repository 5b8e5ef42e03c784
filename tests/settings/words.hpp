#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "settings/complaint_list.hpp"
#include "settings/load.hpp"

namespace millrace::settings {

/// Every kind that is built in; lives as long as the program.
const vocabulary& built_in();

/// Two made-up kinds: the source `drip` (`drops`, `from`, `wet`) and the handlers `cup` and `mill` (which computes).
const vocabulary& made_up();

/// Complaints as lines, without the file's folder.
std::string text_of(const std::vector<complaint>& complaints);

std::string read_text(const std::filesystem::path& path);
std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder, const std::string& extension);

}  // namespace millrace::settings
