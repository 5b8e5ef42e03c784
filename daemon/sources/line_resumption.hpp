#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <millrace/base/result.hpp>

#include "base/digest.hpp"
#include "sources/line_input.hpp"

namespace millrace::sources {

/// Reads the part of a file that was read before a restart once more, to find out whether it is the same. That takes as
/// long as reading it, but no change before the position goes unnoticed.
///
/// Belongs to a `lines` and is used by its lane's thread, one call at a time.
class line_resumption {
 public:
  /// Bytes that one call of `read_on` reads; between two calls the source can be cancelled.
  static constexpr std::uint64_t bytes_per_call = std::uint64_t{16} * 1024 * 1024;

  line_resumption(std::uint64_t place, std::uint64_t checksum) : place_{place}, checksum_{checksum} {}

  /// Reads on, and compares when all up to the place was read. `invalid`: the file is shorter, or not the same; other
  /// errors: it cannot be read. A last line without an end may have got one since: that is skipped.
  [[nodiscard]] result<> read_on(line_input& input);
  [[nodiscard]] bool at_place() const noexcept { return bytes_ >= place_; }

  // At the place:
  /// What was read behind the place, to be fed first.
  [[nodiscard]] std::string& rest() noexcept { return rest_; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint64_t lines() const noexcept { return lines_; }
  [[nodiscard]] digest take_digest() noexcept { return std::move(read_); }

 private:
  [[nodiscard]] result<> compare(line_input& input);
  void consume(std::string_view bytes);
  [[nodiscard]] error changed(const line_input& input, const char* what) const;

  const std::uint64_t place_;
  const std::uint64_t checksum_;
  std::uint64_t bytes_{0};
  std::uint64_t lines_{0};
  char last_{'\n'};
  digest read_;
  std::string rest_;
};

}  // namespace millrace::sources
