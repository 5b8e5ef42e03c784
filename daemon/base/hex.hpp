#pragma once

#include <string>
#include <string_view>

namespace millrace {

inline constexpr std::string_view hex_digits = "0123456789abcdef";

/// Two digits.
inline void append_hex(std::string& to, unsigned char byte) {
  to += hex_digits[byte >> 4u];
  to += hex_digits[byte & 15u];
}

}  // namespace millrace
