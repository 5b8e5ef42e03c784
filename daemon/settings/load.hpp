#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/handlers/registry.hpp>
#include <millrace/sources/registry.hpp>

#include "settings/complaint.hpp"
#include "settings/settings.hpp"

namespace millrace::settings {

/// Sizes that a file may have at most; beyond them it is refused before it is parsed.
inline constexpr std::size_t file_bytes_max = 16u << 20;
inline constexpr std::size_t named_parts_max = 10'000;  ///< queues, producers and consumers, each

/// What can be named in a file.
struct vocabulary {
  const handlers::registry& handlers;
  const sources::registry& sources;
};

struct loaded {
  std::optional<settings> value;      ///< none when there is an error among the complaints
  std::vector<complaint> complaints;  ///< every one at once, in the order of the file; warnings too
};

/// Reads and checks a file, and that the input files and directories it names can be used. A missing or unreadable file
/// is one complaint.
[[nodiscard]] loaded load_file(const std::string& path, const vocabulary& words);
/// Reads and checks a text, which is not compared with the file system. `name` stands for the file in complaints.
[[nodiscard]] loaded load_text(std::string_view yaml, const std::string& name, const vocabulary& words);

}  // namespace millrace::settings
