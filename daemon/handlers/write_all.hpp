#pragma once

#include <string>
#include <string_view>

#include <millrace/base/result.hpp>

namespace millrace::handlers {

/// Writes all of `text` to standard output's descriptor, however many writes that takes; blocks while nobody reads. An
/// empty text, or why not: closed, no space left, or what the operating system says. Any thread but the loop's.
[[nodiscard]] result<std::string> write_all(int descriptor, std::string_view text);

}  // namespace millrace::handlers
