#pragma once

#include <string>
#include <string_view>

#include <millrace/base/result.hpp>

namespace millrace::handlers {

/// Writes the whole text to the descriptor of standard output, and returns an empty text or an error. Blocks while the
/// reader does not read, so it may be called on any thread except the loop thread.
[[nodiscard]] result<std::string> write_all(int descriptor, std::string_view text);

}  // namespace millrace::handlers
