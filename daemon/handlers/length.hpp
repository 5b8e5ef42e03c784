#pragma once

#include <cstddef>
#include <string_view>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

namespace millrace::handlers {

/// A longer body, with its white space, is refused without being parsed.
inline constexpr std::size_t length_bytes_max = 4'096;

/// Parses a body as a duration: a number with a unit, or a number of seconds (`2`, `0.25`). White space around it is
/// ignored. May be called on the loop, since the cost is limited.
[[nodiscard]] result<duration> parse_length(std::string_view content);

}  // namespace millrace::handlers
