#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/hex.hpp"

namespace millrace::tools {

/// The start of the body of each job of a load: the run and the number of the job, eight hexadecimal digits each, so
/// that a reader can tell its origin. The rest of the body is filler.
struct job_mark {
  static constexpr std::size_t bytes = 16;
  /// This bit marks the jobs of the backlog and of extra queues, which stay until the end.
  static constexpr std::uint32_t to_stay = 0x8000'0000;

  std::uint32_t run{0};
  std::uint32_t number{0};

  /// Writes `bytes` characters to `into`.
  void write(char* into) const noexcept {
    write_hex(run, into);
    write_hex(number, into + bytes / 2);
  }
  /// Nullopt: the body was not put by a load.
  [[nodiscard]] static std::optional<job_mark> read(std::string_view body) noexcept {
    if (body.size() < bytes) return std::nullopt;
    job_mark mark;
    if (!read_hex(body.data(), mark.run) || !read_hex(body.data() + bytes / 2, mark.number)) return std::nullopt;
    return mark;
  }

  static void write_hex(std::uint32_t value, char* into) noexcept {
    for (int at = 7; at >= 0; --at, value >>= 4) into[at] = hex_digits[value & 15u];
  }

 private:
  static bool read_hex(const char* from, std::uint32_t& into) noexcept {
    std::uint32_t value = 0;
    unsigned wrong = 0;
    for (int at = 0; at < 8; ++at) {
      const auto digit = digits[static_cast<unsigned char>(from[at])];
      wrong |= digit;
      value = value << 4 | (digit & 15u);
    }
    into = value;
    return wrong < no_digit;
  }

  static constexpr std::uint8_t no_digit = 16;
  static constexpr std::array<std::uint8_t, 256> digits = [] {
    std::array<std::uint8_t, 256> table{};
    table.fill(no_digit);
    for (std::uint8_t at = 0; at < 16; ++at) table[static_cast<unsigned char>(hex_digits[at])] = at;
    return table;
  }();
};

}  // namespace millrace::tools
