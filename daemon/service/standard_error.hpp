#pragma once

#include <string_view>

#include <millrace/base/time.hpp>

namespace millrace::service {

/// How long the program waits for a standard error that takes nothing: a pipe that nobody reads, a terminal that is
/// stopped.
inline constexpr duration standard_error_patience = milliseconds{200};

/// True when it took nothing for `standard_error_patience`. Any thread.
[[nodiscard]] bool standard_error_is_blocked() noexcept;

/// Writes the text, or what is taken of it before standard error is blocked. Never waits longer than the patience. Any
/// thread.
void write_to_standard_error(std::string_view text) noexcept;

}  // namespace millrace::service
