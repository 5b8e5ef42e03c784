#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.hpp"

namespace millrace::sources {

/// Bytes as they come, cut into lines. A line ends with \n or \r\n, which do not belong to it, or with the input. Every
/// other byte does, NUL too. A byte order mark of UTF-8 at the beginning is skipped; with one of UTF-16 there are no
/// lines. Holds one unfinished line and what was fed last, no more: of a line longer than allowed the rest is skipped
/// unseen.
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
  /// From now on `checksum` is of all bytes up to `consumed`. Before the first `feed`.
  void track() { read_.emplace(); }
  /// What is fed next stands behind so many bytes and lines, which have this digest. Requires: `track`.
  void continue_behind(std::uint64_t bytes, std::uint64_t lines, digest read);
  /// Bytes of the input up to the end of the last line that was given.
  [[nodiscard]] std::uint64_t consumed() const noexcept { return consumed_; }
  [[nodiscard]] std::uint64_t checksum() const noexcept { return read_ ? read_->value() : 0; }
  /// What is fed next is another file: an unfinished line is one of its own, then numbers begin anew.
  void begin_next_file() { next_file_ = true; }
  /// The input begins with a byte order mark of UTF-16.
  [[nodiscard]] bool is_utf16() const noexcept { return is_utf16_; }
  /// The next line; nullopt when it is not complete yet.
  std::optional<line> next();

 private:
  line take(std::size_t bytes, std::size_t with_end);
  void consume(std::size_t bytes);
  /// False: the beginning is not there yet, or is UTF-16.
  bool pass_byte_order_mark();

  std::size_t line_bytes_max_;
  std::string bytes_;
  std::size_t begin_{0};    ///< of the next line within bytes_
  std::size_t scanned_{0};  ///< up to here there is no end of line
  std::uint64_t number_{1};
  std::uint64_t consumed_{0};
  std::optional<digest> read_;
  bool skipping_{false};
  bool ended_{false};
  bool next_file_{false};
  bool past_mark_{false};  ///< the beginning of the input was looked at
  bool is_utf16_{false};
};

}  // namespace millrace::sources
