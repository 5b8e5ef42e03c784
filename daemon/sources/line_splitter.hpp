#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::sources {

/// Bytes as they come, cut into lines. A line ends with \n or \r\n, which do not belong to it, or with the input. Every other byte does,
/// NUL too. Holds one unfinished line and what was fed last, no more: of a line longer than allowed the rest is skipped unseen.
class line_splitter {
 public:
  struct line {
    std::uint64_t number;   ///< from 1
    std::string_view text;  ///< until the next call
    bool too_long;          ///< then without text
  };

  explicit line_splitter(std::size_t line_bytes_max) : line_bytes_max_{line_bytes_max} {}

  void feed(std::string_view bytes);
  /// No more will be fed: what is left is a line.
  void end() { ended_ = true; }
  /// The input begins anew: an unfinished line is forgotten.
  void restart();
  /// The next line; nullopt when it is not complete yet.
  std::optional<line> next();

 private:
  line take(std::size_t bytes, std::size_t with_end);

  std::size_t line_bytes_max_;
  std::string bytes_;
  std::size_t begin_{0};    ///< of the next line within bytes_
  std::size_t scanned_{0};  ///< up to here there is no end of line
  std::uint64_t number_{1};
  bool skipping_{false};
  bool ended_{false};
};

}  // namespace millrace::sources
