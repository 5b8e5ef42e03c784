#pragma once

#include <string>
#include <string_view>

namespace millrace::service {

/// The text on one line: control characters become `\n`, `\t` or `\x1b`, so that they cannot control a terminal.
[[nodiscard]] std::string one_line(std::string_view text);
/// The value of `key=value`: unchanged if it is easy to read, else in quotes with escapes.
[[nodiscard]] std::string plain_or_quoted(std::string_view text);
/// A JSON string with its quotes (RFC 8259). Invalid UTF-8 becomes U+FFFD.
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace millrace::service
