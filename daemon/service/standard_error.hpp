#pragma once

#include <string_view>

#include <millrace/base/time.hpp>

namespace millrace::service {

/// Longest wait for standard error when it cannot be written: a full pipe, or a terminal that is stopped.
inline constexpr duration standard_error_timeout = milliseconds{200};

/// True if standard error could not be written for `standard_error_timeout`. Any thread.
[[nodiscard]] bool standard_error_is_blocked() noexcept;

/// Writes the text. Stops, with a part of the text written, when standard error is blocked. Any thread.
void write_to_standard_error(std::string_view text) noexcept;

}  // namespace millrace::service
