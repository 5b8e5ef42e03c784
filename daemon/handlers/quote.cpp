#include "handlers/quote.hpp"

#include "base/hex.hpp"

namespace millrace::handlers {

std::string quote(std::string_view text) {
  std::string out{"\""};
  for (const char c : text.substr(0, quoted_characters_max)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte >= 0x20 && byte < 0x7f) {
      out += c;
    } else {
      out += "\\x";
      append_hex(out, byte);
    }
  }
  if (text.size() > quoted_characters_max) out += "...";
  return out += '"';
}

std::string_view trim(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

}  // namespace millrace::handlers
