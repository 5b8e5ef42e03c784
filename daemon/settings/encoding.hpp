#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "settings/document.hpp"

namespace millrace::settings {

/// The first fault of bytes that are not the text of a YAML file: its place and a sentence.
struct bad_byte {
  position at;
  std::string wrong;
};

/// The first byte that is not UTF-8 or a control character other than tab and line ends; nothing when all is well.
/// A YAML parser would stop silently at some of them.
[[nodiscard]] std::optional<bad_byte> find_bad_byte(std::string_view text);

/// Text as a YAML scalar that reads back as the same text: plain where nobody could take it for something else (a
/// number, true, null, a map), in double quotes otherwise.
[[nodiscard]] std::string write_scalar(std::string_view text);

/// `what it is for` as `What it is for.`: declarations are written either way, people read one.
[[nodiscard]] std::string as_sentence(std::string_view text);

}  // namespace millrace::settings
