#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/utf8.hpp"

namespace millrace::loop {

/// Keeps the end of what a child process writes to its standard error, for the error of its jobs. One thread at a time.
class error_tail {
 public:
  explicit error_tail(std::size_t bytes_max) noexcept : bytes_max_{bytes_max} {}

  void clear() noexcept { bytes_.clear(); }
  void add(std::string_view bytes) {
    bytes_ += bytes;
    if (bytes_.size() > bytes_max_) bytes_.erase(0, bytes_.size() - bytes_max_);
  }
  /// The text as UTF-8 on one line, with ` | ` between its lines; empty if there was nothing.
  [[nodiscard]] std::string one_line() const {
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
    return line;
  }

 private:
  std::size_t bytes_max_;
  std::string bytes_;
};

}  // namespace millrace::loop
