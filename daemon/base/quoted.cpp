#include "base/quoted.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>

#include "base/hex.hpp"
#include "base/utf8.hpp"

namespace millrace {

namespace {

/// Characters that YAML does not count as printable, or takes for line ends.
bool is_escaped(char32_t code) noexcept {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029 || code == 0xFEFF ||
         code == 0xFFFE || code == 0xFFFF;
}

}  // namespace

void append_escape(std::string& to, char32_t code) {
  assert(code < 0x10000);
  switch (code) {
    case '\n':
      to += "\\n";
      return;
    case '\r':
      to += "\\r";
      return;
    case '\t':
      to += "\\t";
      return;
    default:
      break;
  }
  to += code < 0x100 ? "\\x" : "\\u";
  for (int shift = code < 0x100 ? 4 : 12; shift >= 0; shift -= 4) to += hex_digits[code >> shift & 15U];
}

void append_quoted(std::string& to, std::string_view text) {
  to += '"';
  while (!text.empty()) {
    const utf8_character first = first_character(text);
    if (first.length == 0) {
      to += "\\ufffd";
    } else if (first.code == '"' || first.code == '\\') {
      (to += '\\') += text.front();
    } else if (is_escaped(first.code)) {
      append_escape(to, first.code);
    } else {
      to += text.substr(0, first.length);
    }
    text.remove_prefix(std::max<std::size_t>(first.length, 1));
  }
  to += '"';
}

std::string double_quoted(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

}  // namespace millrace
