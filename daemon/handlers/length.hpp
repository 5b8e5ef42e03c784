#pragma once

#include <cstddef>
#include <string_view>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

namespace millrace::handlers {

/// The longest body that can be a length of time, with the blanks around it: longer ones are refused unread.
inline constexpr std::size_t length_bytes_max = 4'096;

/// How long a body says: a duration as people write it, or a bare number of seconds (`2`, `0.25`). Blanks around it do not matter.
/// The time it takes has a bound, whatever the body: loop thread.
[[nodiscard]] result<duration> length_in(std::string_view content);

}  // namespace millrace::handlers
