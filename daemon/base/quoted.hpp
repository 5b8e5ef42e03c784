#pragma once

#include <string>
#include <string_view>

namespace millrace {

/// Appends a character as an escape: `\n`, `\r`, `\t`, `\x1b` or `\u2028`. Requires: `code` is below 0x10000.
void append_escape(std::string& to, char32_t code);

/// Appends `text` between double quotes, on one line: a double-quoted scalar of YAML 1.2, also readable in a log.
/// Quotes, backslashes, and characters that YAML does not count as printable are escaped; bytes that are not UTF-8
/// become `\ufffd`.
void append_quoted(std::string& to, std::string_view text);
[[nodiscard]] std::string double_quoted(std::string_view text);

}  // namespace millrace
