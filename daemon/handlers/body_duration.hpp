#pragma once

#include <cstddef>
#include <string_view>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

namespace millrace::handlers {

/// A longer body, with its white space, is refused without being trimmed.
inline constexpr std::size_t duration_body_bytes_max = 4'096;

/// A longer duration, without its white space, is refused without being parsed.
inline constexpr std::size_t duration_characters_max = 40;

/// Parses a body as a duration: a number with a unit, or a number of seconds (`2`, `0.25`). White space around it is
/// ignored. May be called on the loop, since the cost is limited.
[[nodiscard]] result<duration> parse_body_as_duration(std::string_view content);

}  // namespace millrace::handlers
