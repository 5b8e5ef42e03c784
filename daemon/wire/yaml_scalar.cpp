#include "wire/yaml_scalar.hpp"

#include <algorithm>
#include <cstddef>

#include "base/quoted.hpp"

namespace millrace::wire {

namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_ignoring_case(std::string_view one, std::string_view other) noexcept {
  return std::ranges::equal(one, other, [](char a, char b) { return lower(a) == lower(b); });
}

/// Removes the characters of `set` from the front and returns their number.
std::size_t skip(std::string_view& text, std::string_view set) noexcept {
  const auto count = std::min(text.find_first_not_of(set), text.size());
  text.remove_prefix(count);
  return count;
}

constexpr std::string_view digits = "0123456789";

bool is_word_with_meaning(std::string_view text) noexcept {
  constexpr std::string_view words[] = {"~",  "null", "y",    "yes",   "n",     "no",   "true", "false",
                                        "on", "off",  ".inf", "+.inf", "-.inf", ".nan", "<<",   "="};
  return std::ranges::any_of(words, [text](std::string_view word) { return equal_ignoring_case(text, word); });
}

/// `0b`, `0o` or `0x` and at least one digit of that base.
bool is_number_with_base(std::string_view text) noexcept {
  if (text.size() < 3 || text[0] != '0') return false;
  const char base = lower(text[1]);
  const std::string_view set = base == 'b'   ? "01_"
                               : base == 'o' ? "01234567_"
                               : base == 'x' ? "0123456789abcdefABCDEF_"
                                             : "";
  return text.find_first_not_of(set, 2) == std::string_view::npos;
}

/// Digits with `_` and `,` between them, a fraction, an exponent; at least a digit or the point. A fraction may contain
/// points (YAML 1.1).
bool is_decimal(std::string_view text) noexcept {
  const bool whole = !text.empty() && is_digit(text.front());
  if (whole) skip(text, "0123456789_,");
  const bool point = !text.empty() && text.front() == '.';
  if (point) skip(text, "0123456789_.");
  if (!whole && !point) return false;
  if (text.empty()) return true;
  if (lower(text.front()) != 'e') return false;
  text.remove_prefix(1);
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
  return skip(text, digits) > 0 && text.empty();
}

/// Numbers to the base 60: `1:30`, `190:20:30.15`.
bool is_sexagesimal(std::string_view text) noexcept {
  if (text.empty() || !is_digit(text.front())) return false;
  skip(text, "0123456789_");
  std::size_t groups = 0;
  for (; !text.empty() && text.front() == ':'; ++groups) {
    text.remove_prefix(1);
    const auto length = skip(text, digits);
    if (length == 0 || length > 2) return false;
  }
  if (groups > 0 && !text.empty() && text.front() == '.') skip(text, "0123456789_.");
  return groups > 0 && text.empty();
}

bool is_number(std::string_view text) noexcept {
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
  return is_decimal(text) || is_number_with_base(text) || is_sexagesimal(text);
}

/// A date, alone or with a time behind it.
bool is_date(std::string_view text) noexcept {
  if (skip(text, digits) != 4) return false;
  for (int part = 0; part < 2; ++part) {
    if (text.empty() || text.front() != '-') return false;
    text.remove_prefix(1);
    const auto length = skip(text, digits);
    if (length == 0 || length > 2) return false;
  }
  return text.empty() || lower(text.front()) == 't' || text.front() == ' ' || text.front() == '\t';
}

bool has_indicator(std::string_view text) noexcept {
  constexpr std::string_view never_first = ",[]{}#&*!|>'\"%@`:";
  if (never_first.find(text.front()) != std::string_view::npos) return true;
  const bool alone = text.size() == 1 || text[1] == ' ';
  if ((text.front() == '-' || text.front() == '?') && alone) return true;
  if (text.starts_with("---") || text.front() == ' ' || text.back() == ' ' || text.back() == ':') return true;
  return text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos;
}

}  // namespace

bool is_plain_yaml_string(std::string_view text) noexcept {
  if (text.empty() || has_indicator(text) || is_word_with_meaning(text)) return false;
  if (std::ranges::any_of(text, [](char c) { return c < 0x20 || c >= 0x7F; })) return false;
  return !is_number(text) && !is_date(text);
}

void append_yaml_string(std::string& to, std::string_view text) {
  if (is_plain_yaml_string(text)) {
    to += text;
  } else {
    append_quoted(to, text);
  }
}

}  // namespace millrace::wire
