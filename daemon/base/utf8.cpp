#include "base/utf8.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace millrace {

namespace {

std::uint8_t byte_at(std::string_view text, std::size_t at) noexcept {
  return at < text.size() ? static_cast<std::uint8_t>(text[at]) : 0;
}

/// The length of the longest beginning of `text` that is UTF-8. ASCII is checked eight bytes at a time.
std::size_t valid_length(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    std::uint64_t word = 0;
    if (text.size() - at >= sizeof word) {
      std::memcpy(&word, text.data() + at, sizeof word);
      if ((word & 0x8080808080808080U) == 0) {
        at += sizeof word;
        continue;
      }
    }
    const std::size_t length = utf8_length(text.substr(at));
    if (length == 0) break;
    at += length;
  }
  return at;
}

bool continues_character(char byte) noexcept { return (static_cast<std::uint8_t>(byte) & 0xC0U) == 0x80U; }

}  // namespace

// Table 3-7 of the Unicode standard: only the range of the second byte depends on the first one.
std::size_t utf8_length(std::string_view text) noexcept {
  if (text.empty()) return 0;
  const std::uint8_t lead = byte_at(text, 0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xBF;
  if (lead == 0xE0) low = 0xA0;   // no overlong forms
  if (lead == 0xED) high = 0x9F;  // no surrogates
  if (lead == 0xF0) low = 0x90;   // no overlong forms
  if (lead == 0xF4) high = 0x8F;  // nothing above U+10FFFF
  for (std::size_t at = 1; at < length; ++at) {
    const std::uint8_t next = byte_at(text, at);
    if (next < low || next > high) return 0;
    low = 0x80;
    high = 0xBF;
  }
  return length;
}

utf8_character first_character(std::string_view text) noexcept {
  const std::size_t length = utf8_length(text);
  if (length == 0) return {};
  const std::uint8_t lead = byte_at(text, 0);
  char32_t code = length == 1 ? lead : lead & (0x7FU >> length);
  for (std::size_t at = 1; at < length; ++at) code = code << 6 | (byte_at(text, at) & 0x3FU);
  return {length, code};
}

bool is_utf8(std::string_view text) noexcept { return valid_length(text) == text.size(); }

std::string_view utf8_prefix(std::string_view text, std::size_t bytes_max) noexcept {
  if (text.size() <= bytes_max) return text;
  constexpr std::size_t continuation_bytes_max = 3;
  const std::size_t least = bytes_max - std::min(bytes_max, continuation_bytes_max);
  std::size_t start = bytes_max;
  while (start > least && continues_character(text[start])) --start;
  const std::size_t length = utf8_length(text.substr(start));
  return text.substr(0, start + length > bytes_max ? start : bytes_max);
}

std::size_t utf8_character_count(std::string_view text) noexcept {
  return text.size() - static_cast<std::size_t>(std::count_if(text.begin(), text.end(), continues_character));
}

std::string to_utf8(std::string_view bytes) {
  constexpr std::string_view replacement = "\xEF\xBF\xBD";
  std::string text;
  text.reserve(bytes.size());
  for (;;) {
    const std::size_t valid = valid_length(bytes);
    text += bytes.substr(0, valid);
    if (valid == bytes.size()) return text;
    text += replacement;
    bytes.remove_prefix(valid + 1);
  }
}

}  // namespace millrace
