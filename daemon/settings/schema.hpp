#pragma once

#include <string>

#include "settings/load.hpp"

namespace millrace::settings {

/// The JSON Schema (draft 7, which every editor reads) from the same declarations: what `config/millrace.schema.json`
/// holds.
[[nodiscard]] std::string schema(const vocabulary& words);

}  // namespace millrace::settings
