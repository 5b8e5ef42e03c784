#pragma once

#include <cstddef>
#include <string_view>

namespace millrace {

/// The number of bytes of the UTF-8 character at the start of `text`; 0 when there is none. As in RFC 3629: the
/// shortest form only, no surrogates, nothing above U+10FFFF.
[[nodiscard]] std::size_t utf8_length(std::string_view text) noexcept;

/// Whether the whole of `text` is UTF-8. An empty text is.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

}  // namespace millrace
