#pragma once

#include <string>
#include <string_view>

namespace millrace::telemetry {

/// Compresses a text into the format gzip (RFC 1952). The cost is linear in the text: about 10 ms for 1 MB, so it must
/// not be called on the loop thread. Throws std::bad_alloc when there is no memory for the compressor.
[[nodiscard]] std::string gzip(std::string_view text);

}  // namespace millrace::telemetry
