#pragma once

#include <string>
#include <string_view>

namespace millrace::service {

/// Control characters as `\n`, `\t` or `\x1b`: the text stays one line and cannot command a terminal.
[[nodiscard]] std::string one_line(std::string_view text);
/// A value of `key=value`: as it is when that is plain to read, else between quotes with escapes.
[[nodiscard]] std::string plain_or_quoted(std::string_view text);
/// A JSON string with its quotes (RFC 8259); bytes that are no UTF-8 become U+FFFD.
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace millrace::service
