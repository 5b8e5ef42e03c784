#pragma once

#include <string>

namespace millrace::settings {

/// A problem of a settings file. Its text is `file:line:column: key: problem (expected …)`. Lines and columns count
/// from 1; with 0 they are left out.
struct diagnostic {
  enum class severity { error, warning } level{severity::error};
  std::string file;
  int line{0};
  int column{0};
  std::string key;  ///< full path: `consumers.primality.timeout`
  std::string problem;
  std::string expected;  ///< may be empty

  [[nodiscard]] std::string text() const;
};

}  // namespace millrace::settings
