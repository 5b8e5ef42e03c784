#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <millrace/base/result.hpp>

#include "base/digest.hpp"
#include "sources/line_input.hpp"

namespace millrace::sources {

/// Reads again the part of a file that was read before a restart, and detects every change of it. This takes as long as
/// reading the file.
///
/// Owned by `lines`. Used on its I/O thread, one call at a time.
class line_resumption {
 public:
  /// Bytes that one call of `read_slice` reads. The source can be cancelled between two calls.
  static constexpr std::uint64_t bytes_per_call = std::uint64_t{16} * 1024 * 1024;

  line_resumption(std::uint64_t offset, std::uint64_t checksum) : offset_{offset}, checksum_{checksum} {}

  /// Reads a slice. At the offset, compares the checksum. `invalid`: the file became shorter or is different. Other
  /// errors: it cannot be read. If the last line had no line end before the restart and has one now, the end is
  /// skipped.
  [[nodiscard]] result<> read_slice(line_input& input);
  [[nodiscard]] bool is_at_offset() const noexcept { return bytes_ >= offset_; }

  // Require: `is_at_offset()`.
  /// Bytes after the offset that were read already.
  [[nodiscard]] std::string& rest() noexcept { return rest_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint64_t lines() const noexcept { return lines_; }
  [[nodiscard]] digest take_digest() noexcept { return std::move(read_); }

 private:
  [[nodiscard]] result<> compare(line_input& input);
  void consume(std::string_view bytes);
  [[nodiscard]] error changed(const line_input& input, const char* problem) const;

  const std::uint64_t offset_;
  const std::uint64_t checksum_;
  std::uint64_t bytes_{0};
  std::uint64_t lines_{0};
  char last_{'\n'};
  digest read_;
  std::string rest_;
};

}  // namespace millrace::sources
