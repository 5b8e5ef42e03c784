#pragma once

#include <string>
#include <string_view>

namespace millrace {

/// Appends `text` as a JSON string (RFC 8259), in quotes. Bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& to, std::string_view text);

}  // namespace millrace
