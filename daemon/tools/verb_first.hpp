#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::tools {

/// `words` with the options before the first word that is no option moved to the end, in their order: options before
/// and after a verb mean the same. `valued` are the options whose value may be the next word. Without such a word
/// nothing changes.
[[nodiscard]] std::vector<std::string> verb_first(std::vector<std::string> words,
                                                  std::span<const std::string_view> valued);

}  // namespace millrace::tools
