#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace millrace::store {

/// Whether these bytes are UTF-8 as RFC 3629 has it: no surrogates, nothing longer than it need be.
[[nodiscard]] bool is_utf8(std::string_view bytes) noexcept;

/// Bytes that are no text, as text: base64 of RFC 4648, padded.
[[nodiscard]] std::string to_base64(std::string_view bytes);
/// Nothing: it is no base64.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace millrace::store
