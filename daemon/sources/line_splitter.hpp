#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/digest.hpp"

namespace millrace::sources {

/// Splits a stream of bytes into lines. A line ends with \n, with \r\n or with the input, and does not contain its end.
/// It may contain every other byte, also NUL. A UTF-8 byte order mark at the beginning is skipped. After a UTF-16 byte
/// order mark there are no lines.
///
/// Limits: it holds one unfinished line and the bytes that were fed last. The rest of a line that is too long is
/// skipped.
class line_splitter {
 public:
  struct line {
    std::uint64_t number;   ///< from 1
    std::string_view text;  ///< until the next call
    bool too_long;          ///< the text is empty
  };

  explicit line_splitter(std::size_t line_bytes_max) : line_bytes_max_{line_bytes_max} {}

  void feed(std::string_view bytes);
  /// Ends the input. The remaining bytes are a line.
  void end() { ended_ = true; }
  /// Begins the input again, and discards an unfinished line.
  void restart();
  /// Makes `checksum` the digest of all bytes up to `consumed`. Requires: nothing was fed.
  void track() { read_.emplace(); }
  /// Continues after this number of bytes and lines, whose digest is `read`. Requires: `track` was called.
  void continue_behind(std::uint64_t bytes, std::uint64_t lines, digest read);
  /// Bytes of the input up to the end of the last line that was returned.
  [[nodiscard]] std::uint64_t consumed() const noexcept { return consumed_; }
  [[nodiscard]] std::uint64_t checksum() const noexcept { return read_ ? read_->value() : 0; }
  /// The next bytes belong to another file. An unfinished line is returned as a line, then the numbers restart.
  void begin_next_file() { next_file_ = true; }
  /// The input begins with a UTF-16 byte order mark.
  [[nodiscard]] bool is_utf16() const noexcept { return is_utf16_; }
  /// The next line, or nullopt if it is not complete yet.
  std::optional<line> next();

 private:
  line take(std::size_t bytes, std::size_t bytes_with_end);
  void consume(std::size_t bytes);
  /// False if more bytes are needed, or if the input is UTF-16.
  bool skip_byte_order_mark();

  std::size_t line_bytes_max_;
  std::string bytes_;
  std::size_t begin_{0};    ///< of the next line, in `bytes_`
  std::size_t scanned_{0};  ///< the bytes up to here have no line end
  std::uint64_t number_{1};
  std::uint64_t consumed_{0};
  std::optional<digest> read_;
  bool skipping_{false};
  bool ended_{false};
  bool next_file_{false};
  bool past_mark_{false};  ///< the beginning was checked for a byte order mark
  bool is_utf16_{false};
};

}  // namespace millrace::sources
