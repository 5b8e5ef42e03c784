#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/base/option.hpp>

#include "settings/document.hpp"

namespace millrace::settings {

/// A table of options, and the object that holds their values.
struct target {
  const option_table& table;
  void* owner;
};

struct map_rules {
  std::vector<std::string> caller_keys;  ///< keys that the caller reads
  bool all_keys_known{true};             ///< false: a table is missing, so no key is reported as unknown
};

/// Reads a map whose keys are the options of all `targets` into their owners. Reports unknown, missing and planned
/// keys, values of the wrong shape, and values that an option refuses.
void read_map(const node& map, const std::string& path, std::span<const target> targets, const map_rules& rules,
              diagnostic_list& diagnostics);

/// Returns true for a map. Reports any other value.
bool expect_map(const node& value, const std::string& path, diagnostic_list& diagnostics);

/// Reports a word that is not in `known`, and suggests a similar one: `unknown key, did you mean …`.
void report_unknown(position start, const std::string& path, const std::string& problem, std::string_view word,
                    std::span<const std::string> known, diagnostic_list& diagnostics);

/// `one of a, b, c`. A long list is cut.
[[nodiscard]] std::string enumerate(std::span<const std::string> words);

}  // namespace millrace::settings
