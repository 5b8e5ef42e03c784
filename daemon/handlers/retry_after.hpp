#pragma once

#include <optional>
#include <string_view>

#include <millrace/base/time.hpp>

namespace millrace::handlers {

/// The wait that a `Retry-After` header asks for: seconds, or a date (RFC 9110, sections 10.2.3 and 5.6.7). A date
/// counts from `now`, the `Date` header of the same response: so the clocks of both machines need not agree. A date
/// that is over is no wait. nullopt: the header cannot be understood, or it is a date and `now` is none.
[[nodiscard]] std::optional<duration> parse_retry_after(std::string_view value, std::string_view now);

}  // namespace millrace::handlers
