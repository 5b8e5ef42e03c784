#pragma once

#include <string>

#include "settings/load.hpp"
#include "settings/settings.hpp"

namespace millrace::settings {

/// The settings as YAML, with every default. Reading the text gives the same settings.
[[nodiscard]] std::string print(const settings& settings);

/// A commented example with every key, its purpose, its range and its default: the text of `config/millrace.yaml`.
[[nodiscard]] std::string print_example(const vocabulary& vocabulary);

}  // namespace millrace::settings
