#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

namespace millrace {

/// Quantities as people write them. Each `parse_` refuses trailing text, signs where they make no sense, and overflow,
/// and its error says what was expected; each `write_` gives the shortest text that `parse_` reads back as the same value,
/// with the largest unit where several are as short, and never below 1 of its unit.

/// `250ms`, `30s`, `1.5m`, `2h`, `7d`, `10us`, `500ns`; `0` needs no unit. Never negative.
[[nodiscard]] result<duration> parse_duration(std::string_view text);
[[nodiscard]] std::string write_duration(duration length);

/// `1000`, `100k`, `10M`, `2G` (powers of 1000). Never negative.
[[nodiscard]] result<std::uint64_t> parse_count(std::string_view text);
[[nodiscard]] std::string write_count(std::uint64_t count);

/// Bytes: `64KiB`, `1MiB`, `2GiB` (powers of 1024), `64kB`, `1MB` (powers of 1000), `4096` or `4096B`.
[[nodiscard]] result<std::uint64_t> parse_size(std::string_view text);
[[nodiscard]] std::string write_size(std::uint64_t bytes);

/// Events per second: `200`, `0.5`, `200/s`, `90/m`, `1k/s`, `10/h`. Positive and finite.
[[nodiscard]] result<double> parse_rate(std::string_view text);
[[nodiscard]] std::string write_rate(double per_second);

}  // namespace millrace
