#include "settings/encoding.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

#include "base/quoted.hpp"
#include "base/utf8.hpp"

namespace millrace::settings {

namespace {

std::string in_hex(std::uint8_t byte) {
  std::array<char, 8> digits{};
  std::snprintf(digits.data(), digits.size(), "0x%02X", byte);
  return digits.data();
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

/// With at most 15 digits, every reader of YAML and JSON preserves the number.
bool is_plain_integer(std::string_view text) {
  constexpr std::size_t digits_max = 15;
  if (text.empty() || text.size() > digits_max || !std::all_of(text.begin(), text.end(), is_digit)) return false;
  return text == "0" || text.front() != '0';
}

bool is_plain_word(std::string_view text) {
  static constexpr std::array<std::string_view, 13> reserved{"true", "True", "TRUE", "false", "False", "FALSE", "null",
                                                             "Null", "NULL", "y",    "n",     "Y",     "N"};
  if (text.empty() || !is_letter(text.front()) || std::find(reserved.begin(), reserved.end(), text) != reserved.end())
    return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '/'; });
}

}  // namespace

std::optional<bad_byte> find_bad_byte(std::string_view text) {
  position current{1, 1};
  for (std::size_t n = 0; n < text.size();) {
    const auto byte = static_cast<std::uint8_t>(text[n]);
    const std::size_t length = utf8_length(text.substr(n));
    if (length == 0) return bad_byte{current, "byte " + in_hex(byte) + " is not UTF-8"};
    if ((byte < ' ' && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F)
      return bad_byte{current, "control character " + in_hex(byte)};
    n += length;
    ++current.column;
    if (byte == '\n') current = {current.line + 1, 1};
  }
  return std::nullopt;
}

std::string write_scalar(std::string_view text) {
  if (is_plain_word(text) || is_plain_integer(text)) return std::string{text};
  return double_quoted(text);
}

std::string as_sentence(std::string_view text) {
  std::string out{text};
  if (out.empty()) return out;
  // A first word like sha256 or run_on is a name, so its case is kept.
  const std::string_view word = text.substr(0, text.find(' '));
  const bool is_plain = std::all_of(word.begin(), word.end(), [](char c) { return is_letter(c) && c != '_'; });
  if (is_plain && out.front() >= 'a') out.front() = static_cast<char>(out.front() - 'a' + 'A');
  if (out.back() != '.' && out.back() != '?') out += '.';
  return out;
}

}  // namespace millrace::settings
