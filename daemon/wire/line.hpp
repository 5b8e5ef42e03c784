#pragma once

#include <cstddef>
#include <string_view>

/// What both directions of the protocol know of a line.
namespace millrace::wire {

inline constexpr std::string_view line_end = "\r\n";

/// Where the first CR LF begins, npos without one. A CR before anything else ends nothing.
[[nodiscard]] inline std::size_t find_line_end(std::string_view bytes) noexcept {
  for (std::size_t at = bytes.find('\r'); at != std::string_view::npos && at + 1 < bytes.size();
       at = bytes.find('\r', at + 1)) {
    if (bytes[at + 1] == '\n') return at;
  }
  return std::string_view::npos;
}

/// Reads digits up to and with the last one; `at` then stands behind them. False if there is none, or if they say more than `max`.
/// Something that is no digit must stand behind the last one: a line of the protocol has its CR there.
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
