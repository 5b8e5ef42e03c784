#pragma once

#include <string_view>

#include "settings/document.hpp"
#include "settings/load.hpp"

namespace millrace::settings {

/// The keys at the top of a file, in the order in which people should read them.
inline constexpr std::string_view top_keys[]{"daemon", "queue_defaults", "queues", "producers", "consumers"};

/// Reads the parts of a document one after the other into `into`, each value where it belongs; complains about the
/// rest. Parts are read one by one; `check_consistency` checks whether they fit together.
void read_parts(const node& root, const vocabulary& words, settings& into, complaint_list& complaints);

}  // namespace millrace::settings
