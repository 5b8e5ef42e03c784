#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/handlers/registry.hpp>
#include <millrace/sources/registry.hpp>

#include "settings/diagnostic.hpp"
#include "settings/document.hpp"
#include "settings/settings.hpp"

namespace millrace::settings {

/// A larger file is refused before it is parsed.
inline constexpr std::size_t file_bytes_max = 16u << 20;
inline constexpr std::size_t named_entries_max = 10'000;  ///< queues, producers and consumers, each

/// The kinds of handlers and sources that a file can name.
struct vocabulary {
  const handlers::registry& handlers;
  const sources::registry& sources;
};

struct loaded {
  std::optional<settings> value;        ///< `nullopt` if a diagnostic is an error
  std::vector<diagnostic> diagnostics;  ///< all errors and warnings, in the order of the file
  node root;                            ///< gives the positions of further diagnostics; empty if it could not be parsed
};

/// Reads and checks a file. Also checks that the input files and directories that it names are usable. A missing or
/// unreadable file is one diagnostic.
[[nodiscard]] loaded load_file(const std::string& path, const vocabulary& vocabulary);
/// Reads and checks a text, without access to the files that it names. `name` is the file name in diagnostics.
[[nodiscard]] loaded load_text(std::string_view yaml, const std::string& name, const vocabulary& vocabulary);

}  // namespace millrace::settings
