#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/base/option.hpp>

#include "settings/document.hpp"

namespace millrace::settings {

/// Declared options and the owner that takes them.
struct target {
  const option_table& table;
  void* owner;
};

/// What else a map may have beside its options.
struct map_rules {
  std::vector<std::string> own_keys;  ///< read by the caller
  bool all_keys_known{true};          ///< false: a part of the tables could not be found, so no key is called unknown
};

/// Reads a map whose keys are the options of all `targets` together, into their owners. Complains about everything
/// else: unknown, missing and planned keys, values of another shape, and what an option's own reading refuses.
void read_map(const node& map, const std::string& path, std::span<const target> targets, const map_rules& rules,
              complaint_list& complaints);

/// True when it is a map; a complaint otherwise.
bool expect_map(const node& value, const std::string& path, complaint_list& complaints);

/// `unknown key, did you mean …`: for a word at `at` that is none of `known`.
void unknown_word(position at, const std::string& path, const std::string& wrong, std::string_view word,
                  std::span<const std::string> known, complaint_list& complaints);

/// `a, b, c` with at most so many words.
[[nodiscard]] std::string enumerated(std::span<const std::string> words);

}  // namespace millrace::settings
