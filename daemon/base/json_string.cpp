#include "base/json_string.hpp"

#include <cstddef>

#include "base/hex.hpp"
#include "base/utf8.hpp"

namespace millrace {

namespace {

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
