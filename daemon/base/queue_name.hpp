#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace millrace {

inline constexpr std::size_t queue_name_bytes_max = 200;
/// Punctuation that a queue name may contain, and so may start with.
inline constexpr std::string_view queue_name_marks = "+/;.$_()";
/// The rule of `is_queue_name`, for messages.
inline constexpr std::string_view queue_name_rule =
    "at most 200 letters, digits and + / ; . $ _ ( ) -, not beginning with -";
static_assert(queue_name_bytes_max == 200);

namespace detail {
inline constexpr auto queue_name_bytes = [] {
  std::array<bool, 256> allowed{};
  constexpr std::string_view others = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";
  for (const char each : others) allowed[static_cast<unsigned char>(each)] = true;
  for (const char each : queue_name_marks) allowed[static_cast<unsigned char>(each)] = true;
  return allowed;
}();
}  // namespace detail

/// Whether `text` can name a queue: 1 to `queue_name_bytes_max` ASCII letters, digits, `queue_name_marks` and `-`, and
/// `-` is not the first. The rule of beanstalk for tubes; names of producers and consumers keep to it as well.
[[nodiscard]] constexpr bool is_queue_name(std::string_view text) noexcept {
  if (text.empty() || text.size() > queue_name_bytes_max || text.front() == '-') return false;
  return std::all_of(text.begin(), text.end(),
                     [](char each) { return detail::queue_name_bytes[static_cast<unsigned char>(each)]; });
}

}  // namespace millrace
