#pragma once

#include <string>

#include "settings/load.hpp"
#include "settings/settings.hpp"

namespace millrace::settings {

/// The settings as YAML with every default filled in; reading it back gives the same settings and prints the same text.
[[nodiscard]] std::string print(const settings& what);

/// The commented example: every key of every part with its default, its range and its reason. What
/// `config/millrace.yaml` holds.
[[nodiscard]] std::string print_example(const vocabulary& words);

}  // namespace millrace::settings
