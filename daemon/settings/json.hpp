#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::settings::json {

/// JSON that is made once and printed: pieces of text that are already JSON.
struct value {
  std::string text;
};
using members = std::vector<std::pair<std::string, value>>;

[[nodiscard]] value string(std::string_view text);
[[nodiscard]] value number(std::uint64_t whole);
[[nodiscard]] value boolean(bool yes);
[[nodiscard]] value array(const std::vector<value>& items);
[[nodiscard]] value strings(const std::vector<std::string>& items);
[[nodiscard]] value object(const members& in_order);

/// The same over many lines, two blanks for each level; what is short stays on one line.
[[nodiscard]] std::string pretty(const value& compact);

}  // namespace millrace::settings::json
