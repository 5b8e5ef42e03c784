#include "http/header_text.hpp"

#include <algorithm>

namespace millrace::http {

namespace {

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

}  // namespace

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool is_letter(char c) noexcept { return lower(c) >= 'a' && lower(c) <= 'z'; }

bool is_token_character(char c) noexcept {
  return is_digit(c) || is_letter(c) || std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
}

bool equal_ignoring_case(std::string_view first, std::string_view second) noexcept {
  return std::ranges::equal(first, second, [](char a, char b) { return lower(a) == lower(b); });
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view take_element(std::string_view& list, char separator) noexcept {
  const auto end = std::min(list.find(separator), list.size());
  const auto element = list.substr(0, end);
  list.remove_prefix(std::min(end + 1, list.size()));
  return trimmed(element);
}

}  // namespace millrace::http
