#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace millrace {

/// Base64 of RFC 4648, padded, for bytes that are not text.
[[nodiscard]] std::string to_base64(std::string_view bytes);
/// No value: the text is not base64.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace millrace
