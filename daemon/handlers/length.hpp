#pragma once

#include <string_view>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

namespace millrace::handlers {

/// How long a body says: a duration as people write it, or a bare number of seconds (`2`, `0.25`). Blanks around it do not matter.
[[nodiscard]] result<duration> length_in(std::string_view content);

}  // namespace millrace::handlers
