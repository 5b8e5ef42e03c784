#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/line.hpp"

namespace millrace::wire {

/// Builds one line on the stack, so that the string that receives it grows once.
class line_writer {
 public:
  /// The longest line of either direction: a command's.
  static constexpr std::size_t bytes_max = 224;

  explicit line_writer(std::string_view word) noexcept { text(word); }

  line_writer& text(std::string_view bytes) noexcept {
    assert(bytes.size() <= static_cast<std::size_t>(line_.data() + line_.size() - end_));
    end_ = std::copy(bytes.begin(), bytes.end(), end_);
    return *this;
  }
  /// Both put a space before the argument.
  line_writer& argument(std::string_view bytes) noexcept { return text(" ").text(bytes); }
  line_writer& argument(std::uint64_t number) noexcept {
    text(" ");
    const auto written = std::to_chars(end_, line_.data() + line_.size(), number);
    assert(written.ec == std::errc{});
    end_ = written.ptr;
    return *this;
  }
  void append_to(std::string& to) {
    text(line_end);
    to.append(line_.data(), end_);
  }

 private:
  std::array<char, bytes_max> line_;
  char* end_{line_.data()};
};

}  // namespace millrace::wire
