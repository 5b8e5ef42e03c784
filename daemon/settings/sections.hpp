#pragma once

#include <string_view>

#include "settings/document.hpp"
#include "settings/load.hpp"

namespace millrace::settings {

/// The keys at the top of a file, in the order of the documentation.
inline constexpr std::string_view top_keys[]{"daemon", "queue_defaults", "queues", "producers", "consumers"};

/// Reads the sections of a document into `settings`, and reports everything that is not understood. Rules across
/// sections are checked by `check_consistency`.
void read_sections(const node& root, const vocabulary& vocabulary, settings& settings, diagnostic_list& diagnostics);

}  // namespace millrace::settings
