#pragma once

#include <cstddef>
#include <string_view>

/// Lines and numbers, for both directions of the protocol (PROTOCOL.md §1).
namespace millrace::wire {

inline constexpr std::string_view line_end = "\r\n";

/// The position of the first CR LF, or npos. A CR without a LF behind it ends no line.
[[nodiscard]] inline std::size_t find_line_end(std::string_view bytes) noexcept {
  for (std::size_t at = bytes.find('\r'); at != std::string_view::npos && at + 1 < bytes.size();
       at = bytes.find('\r', at + 1)) {
    if (bytes[at + 1] == '\n') return at;
  }
  return std::string_view::npos;
}

/// Reads digits and moves `at` behind the last one. False if there is none, or if the number exceeds `max`.
/// Requires: a byte that is no digit follows the last one; a line of the protocol has its CR there.
template <class number>
[[nodiscard]] inline bool read_number(const char*& at, number max, number& into) noexcept {
  const auto digit_here = [&at] { return static_cast<unsigned>(static_cast<unsigned char>(*at)) - '0'; };
  unsigned digit = digit_here();
  if (digit > 9) return false;
  number value = 0;
  do {
    if (value > max / 10 || (value == max / 10 && digit > max % 10)) return false;
    value = static_cast<number>(value * 10 + digit);
    ++at;
    digit = digit_here();
  } while (digit <= 9);
  into = value;
  return true;
}

}  // namespace millrace::wire
