#pragma once

#include <string>

namespace millrace::settings {

/// One thing that is wrong with a settings file. Written as
/// `file:line:column: key: what is wrong (what was expected)`; line and column from 1, left out when 0.
struct complaint {
  enum class severity { error, warning } how{severity::error};
  std::string file;
  int line{0};
  int column{0};
  std::string key;  ///< full path: `consumers.primality.timeout`
  std::string wrong;
  std::string expected;  ///< may be empty

  [[nodiscard]] std::string text() const;
};

}  // namespace millrace::settings
