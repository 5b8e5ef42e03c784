#include "store/plain_text.hpp"

#include <cstddef>
#include <cstdint>

namespace millrace::store {

namespace {

constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// How many bytes a character has that begins so, and the least it may mean.
struct beginning {
  std::size_t bytes;
  std::uint32_t bits;
  std::uint32_t least;
};

beginning begun_by(unsigned char first) noexcept {
  if (first < 0x80) return {1, first, 0};
  if (first >= 0xc2 && first < 0xe0) return {2, first & 0x1fu, 0x80};
  if (first >= 0xe0 && first < 0xf0) return {3, first & 0x0fu, 0x800};
  if (first >= 0xf0 && first < 0xf5) return {4, first & 0x07u, 0x10000};
  return {0, 0, 0};
}

}  // namespace

bool is_utf8(std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    auto [length, meaning, least] = begun_by(static_cast<unsigned char>(bytes.front()));
    if (length == 0 || length > bytes.size()) return false;
    for (std::size_t at = 1; at < length; ++at) {
      const auto next = static_cast<unsigned char>(bytes[at]);
      if ((next & 0xc0u) != 0x80) return false;
      meaning = meaning << 6 | (next & 0x3fu);
    }
    if (meaning < least || meaning > 0x10ffff || (meaning >= 0xd800 && meaning < 0xe000)) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

std::string to_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t three = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      three = three << 8 | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0u);
    }
    const std::size_t there = bytes.size() - at < 3 ? bytes.size() - at : 3;
    for (std::size_t i = 0; i < 4; ++i) text += i <= there ? letters[three >> (18 - 6 * i) & 63u] : '=';
  }
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  std::string bytes;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char letter : text) {
    const auto value = letters.find(letter);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>(bits >> held & 0xffu);
  }
  return bytes;
}

}  // namespace millrace::store
