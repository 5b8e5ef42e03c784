#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "settings/document.hpp"

namespace millrace::settings {

/// A byte that a YAML file may not contain.
struct bad_byte {
  position start;
  std::string problem;
};

/// The first byte that is not UTF-8, or is a control character other than tab and line ends. `nullopt`: there is none.
/// The YAML parser would silently stop at some of these bytes.
[[nodiscard]] std::optional<bad_byte> find_bad_byte(std::string_view text);

/// A YAML scalar that reads back as the same text. It is in double quotes unless it is clearly a word or a number.
[[nodiscard]] std::string write_scalar(std::string_view text);

/// Begins with a capital letter and ends with a full stop: `number of jobs` becomes `Number of jobs.`
[[nodiscard]] std::string as_sentence(std::string_view text);

}  // namespace millrace::settings
