#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/utf8.hpp"

namespace millrace::offload {

/// Keeps the end of what a process writes to its standard error, for the error of its jobs. One thread at a time.
class error_tail {
 public:
  static constexpr std::size_t bytes_max = 700;

  void clear() noexcept { bytes_.clear(); }
  void add(std::string_view bytes) {
    bytes_ += bytes;
    if (bytes_.size() > bytes_max) bytes_.erase(0, bytes_.size() - bytes_max);
  }
  /// `; standard error: ...` on one line; empty if there was nothing.
  [[nodiscard]] std::string remark() const {
    constexpr unsigned char printable_min = 0x20;
    constexpr std::string_view separator = " | ";
    std::string line;
    for (const char character : to_utf8(bytes_)) {
      if (character == '\n') {
        if (!line.empty()) line += separator;
      } else {
        line += static_cast<unsigned char>(character) < printable_min ? ' ' : character;
      }
    }
    while (line.ends_with(separator)) line.resize(line.size() - separator.size());
    return line.empty() ? line : "; standard error: " + line;
  }

 private:
  std::string bytes_;
};

}  // namespace millrace::offload
