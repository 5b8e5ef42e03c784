#pragma once

#include <cstddef>
#include <string_view>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

namespace millrace::handlers {

/// The longest body that can be a length of time, with the blanks around it: longer ones are refused unread.
inline constexpr std::size_t length_bytes_max = 4'096;

/// The duration in a body: a number with a unit, or a plain number of seconds (`2`, `0.25`). Blanks around it are
/// ignored. Loop thread: the cost has a bound for every body.
[[nodiscard]] result<duration> length_in(std::string_view content);

}  // namespace millrace::handlers
