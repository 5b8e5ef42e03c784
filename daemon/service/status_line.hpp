#pragma once

#include <string>
#include <string_view>

namespace millrace::service {

/// A line at the bottom of a terminal that stays while everything else scrolls above it: the terminal is told to
/// scroll only the rows above (DECSTBM), so that printed jobs and log lines need not know of it, whichever descriptor
/// they come by.
///
/// Each call gives the bytes to write; one write each, so that nobody's output falls between. Used by one thread at a
/// time.
class status_line {
 public:
  explicit status_line(int descriptor) : descriptor_{descriptor} {}

  /// A terminal that understands cursor movement, high enough to give up a row.
  [[nodiscard]] static bool possible_on(int descriptor);

  /// Shows `text` (no control characters), cut to the terminal's width. Follows a terminal that changes its size.
  [[nodiscard]] std::string draw(std::string_view text);
  /// Takes the line away and gives the row back.
  [[nodiscard]] std::string clear();

 private:
  int descriptor_;
  int rows_{0};  ///< the region that is set now; 0: none
};

}  // namespace millrace::service
