#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace millrace {

/// The number of bytes of the UTF-8 character at the start of `text`; 0 when there is none. As in RFC 3629: the
/// shortest form only, no surrogates, nothing above U+10FFFF.
[[nodiscard]] std::size_t utf8_length(std::string_view text) noexcept;

/// A character and the number of its bytes, as `utf8_length` counts them.
struct utf8_character {
  std::size_t length{0};
  char32_t code{0};
};
/// The character at the start of `text`; its length is 0 when there is none.
[[nodiscard]] utf8_character first_character(std::string_view text) noexcept;

/// Whether the whole of `text` is UTF-8. An empty text is.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// The longest beginning of `text` of at most `bytes_max` bytes that does not end within a character. Bytes that are no
/// UTF-8 are characters of their own.
[[nodiscard]] std::string_view utf8_prefix(std::string_view text, std::size_t bytes_max) noexcept;

/// The number of characters of a text that is UTF-8.
[[nodiscard]] std::size_t utf8_character_count(std::string_view text) noexcept;

/// `bytes` as UTF-8: each byte that is no part of a character becomes U+FFFD.
[[nodiscard]] std::string to_utf8(std::string_view bytes);

}  // namespace millrace
