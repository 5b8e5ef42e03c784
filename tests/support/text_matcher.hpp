#pragma once

#include <string>

#include "support/catch.hpp"

namespace millrace::testing {

/// Matches a text that contains `part`. Catch2 3 names the matcher differently from Catch2 2.
inline auto contains_text(const std::string& part) {
#if __has_include(<catch2/catch_all.hpp>)
  return Catch::Matchers::ContainsSubstring(part);
#else
  return Catch::Matchers::Contains(part);
#endif
}

}  // namespace millrace::testing
