#pragma once

#include <cstddef>
#include <string_view>

namespace millrace::http {

/// The characters of header fields (RFC 9110, 5.6).
[[nodiscard]] bool is_digit(char c) noexcept;
[[nodiscard]] bool is_letter(char c) noexcept;
[[nodiscard]] bool is_token_character(char c) noexcept;
[[nodiscard]] bool equal_ignoring_case(std::string_view first, std::string_view second) noexcept;
/// Without blanks at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;
/// Takes the next element off the front of a list, without blanks around it.
std::string_view take_element(std::string_view& list, char separator = ',') noexcept;

}  // namespace millrace::http
