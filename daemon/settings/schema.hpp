#pragma once

#include <string>

#include "settings/load.hpp"

namespace millrace::settings {

/// The JSON Schema of settings files, from the tables of options: the text of `config/millrace.schema.json`. Draft 7,
/// which every editor supports.
[[nodiscard]] std::string schema(const vocabulary& vocabulary);

}  // namespace millrace::settings
