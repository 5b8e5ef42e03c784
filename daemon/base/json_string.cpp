#include "base/json_string.hpp"

#include <cstddef>

#include "base/hex.hpp"
#include "base/utf8.hpp"

namespace millrace {

namespace {

/// The bytes at the start of `text` that stand for themselves.
std::size_t plain_length(std::string_view text) noexcept {
  std::size_t length = 0;
  while (length < text.size()) {
    const auto code = static_cast<unsigned char>(text[length]);
    if (code < 0x20 || code >= 0x80 || code == '"' || code == '\\') break;
    ++length;
  }
  return length;
}

void append_ascii(std::string& to, char character) {
  const auto code = static_cast<unsigned char>(character);
  if (character == '"' || character == '\\') {
    (to += '\\') += character;
  } else if (character == '\n') {
    to += "\\n";
  } else if (code < 0x20) {
    to += "\\u00";
    append_hex(to, code);
  } else {
    to += character;
  }
}

}  // namespace

void append_json_string(std::string& to, std::string_view text) {
  to += '"';
  while (!text.empty()) {
    const std::size_t plain = plain_length(text);
    to += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const std::size_t length = utf8_length(text);
    if (length == 1) {
      append_ascii(to, text.front());
    } else {
      to += length == 0 ? std::string_view{"\xEF\xBF\xBD"} : text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  to += '"';
}

}  // namespace millrace
