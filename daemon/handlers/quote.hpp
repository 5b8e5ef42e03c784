#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace millrace::handlers {

/// Characters of a body that an error message shows before it is cut.
inline constexpr std::size_t quoted_characters_max = 40;

/// A body for an error message: in quotes, cut to `quoted_characters_max`, with bytes that are not printable ASCII as
/// \xNN.
[[nodiscard]] std::string quote(std::string_view text);

/// The white space that `trim` removes.
inline constexpr std::string_view blanks = " \t\r\n";

/// Removes white space from both ends, which bodies from a file or a terminal often have.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

}  // namespace millrace::handlers
