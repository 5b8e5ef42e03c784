#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

namespace millrace {

/// Quantities with units, as users write them. Each `parse_` refuses trailing text, a sign and overflow. Its error says
/// what is wrong with the text. Each `write_` returns one number with at most one unit, as the shortest text that
/// `parse_` reads as the same value. Of two equally short texts it takes the one with the larger unit if the number is
/// whole. A number with a unit is at least 1.

/// `250ms`, `30s`, `1.5m`, `2h`, `7d`, `10us`, `500ns`, and parts with falling units: `1h30m`.
/// `0` needs no unit. Never negative.
[[nodiscard]] result<duration> parse_duration(std::string_view text);
[[nodiscard]] std::string write_duration(duration length);

/// `1000`, `100k`, `10M`, `2G` (powers of 1000); `T` is read, but not written. Never negative.
[[nodiscard]] result<std::uint64_t> parse_count(std::string_view text);
[[nodiscard]] std::string write_count(std::uint64_t count);

/// Bytes: `64KiB`, `1MiB`, `2GiB` (powers of 1024), `64kB`, `1MB` (powers of 1000), `4096` or `4096B`.
[[nodiscard]] result<std::uint64_t> parse_size(std::string_view text);
[[nodiscard]] std::string write_size(std::uint64_t bytes);

/// Events per second: `200`, `0.5`, `200/s`, `90/m`, `1k/s`, `10/h`. Positive and finite. Written per second.
[[nodiscard]] result<double> parse_rate(std::string_view text);
[[nodiscard]] std::string write_rate(double per_second);

}  // namespace millrace
