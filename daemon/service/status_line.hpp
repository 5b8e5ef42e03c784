#pragma once

#include <string>
#include <string_view>

namespace millrace::service {

/// A line that stays at the bottom of a terminal. The terminal scrolls only the rows above it (DECSTBM), so printed
/// jobs and log records need not know of the line.
///
/// Each call returns bytes to be written with one `write`, so that other output cannot come between them. Used by one
/// thread at a time.
class status_line {
 public:
  explicit status_line(int descriptor) : descriptor_{descriptor} {}

  /// True for a terminal that supports cursor movement and has at least four rows.
  [[nodiscard]] static bool is_possible_on(int descriptor);

  /// Shows `text`, cut to the width of the terminal. Adapts to a changed size.
  /// Requires: `text` has no control characters.
  [[nodiscard]] std::string draw(std::string_view text);
  /// Removes the line, and lets the whole terminal scroll again.
  [[nodiscard]] std::string clear();

 private:
  int descriptor_;
  int rows_{0};  ///< height of the terminal for which the region is set; 0: none is set
};

}  // namespace millrace::service
