#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace millrace::handlers {

/// Characters of a body that an error message shows before it is cut.
inline constexpr std::size_t quoted_characters_max = 40;

/// A body as an error message shows it: in quotes, cut when long, bytes that are not printable ASCII as \xNN.
/// Never longer than a line, whatever came in.
[[nodiscard]] std::string quote(std::string_view text);

/// What `without_blanks` drops.
inline constexpr std::string_view blanks = " \t\r\n";

/// Without the blanks, tabs and ends of line around it: what a body from a file or a terminal brings along.
[[nodiscard]] std::string_view without_blanks(std::string_view text) noexcept;

}  // namespace millrace::handlers
