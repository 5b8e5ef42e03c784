#include "handlers/retry_after.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>

#include "handlers/quote.hpp"

namespace millrace::handlers {

namespace {

using std::chrono::sys_seconds;

/// More counts as this: a duration must not overflow.
constexpr std::uint64_t seconds_max = std::uint64_t{10} * 365 * 24 * 3600;

/// All of `digits`.
std::optional<std::uint64_t> parse_digits(std::string_view digits) {
  std::uint64_t number = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || end != digits.data() + digits.size()) return std::nullopt;
  if (failure == std::errc::result_out_of_range) return UINT64_MAX;
  if (failure != std::errc{}) return std::nullopt;
  return number;
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`. The two obsolete formats are not read: no server has to send them.
std::optional<sys_seconds> parse_date(std::string_view text) {
  constexpr std::string_view form = "Sun, 06 Nov 1994 08:49:37 GMT";
  constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  if (text.size() != form.size() || text.substr(3, 2) != ", " || text.substr(25) != " GMT" || text[19] != ':' ||
      text[22] != ':')
    return std::nullopt;
  const auto month = std::find(months.begin(), months.end(), text.substr(8, 3));
  const auto day = parse_digits(text.substr(5, 2));
  const auto year = parse_digits(text.substr(12, 4));
  const auto hour = parse_digits(text.substr(17, 2));
  const auto minute = parse_digits(text.substr(20, 2));
  const auto second = parse_digits(text.substr(23, 2));
  if (month == months.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)},
                                         std::chrono::month{static_cast<unsigned>(month - months.begin() + 1)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return std::chrono::sys_days{date} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} +
         std::chrono::seconds{*second};
}

}  // namespace

std::optional<duration> parse_retry_after(std::string_view value, std::string_view now) {
  value = trim(value);
  if (const auto number = parse_digits(value)) return seconds{std::min(*number, seconds_max)};
  const auto then = parse_date(value);
  const auto began = parse_date(trim(now));
  if (!then || !began) return std::nullopt;
  const auto wait = (*then - *began).count();
  return seconds{std::clamp<std::int64_t>(wait, 0, static_cast<std::int64_t>(seconds_max))};
}

}  // namespace millrace::handlers
