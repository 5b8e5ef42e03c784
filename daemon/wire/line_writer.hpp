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

/// One line of the protocol, put together on the stack so that the string it goes to is asked for room once.
class line_writer {
 public:
  /// The longest line of either direction: a command's.
  static constexpr std::size_t bytes_max = 224;

  explicit line_writer(std::string_view word) noexcept { text(word); }

  line_writer& text(std::string_view what) noexcept {
    assert(what.size() <= static_cast<std::size_t>(line_.data() + line_.size() - end_));
    end_ = std::copy(what.begin(), what.end(), end_);
    return *this;
  }
  /// A space before it.
  line_writer& argument(std::string_view what) noexcept { return text(" ").text(what); }
  line_writer& argument(std::uint64_t what) noexcept {
    text(" ");
    const auto written = std::to_chars(end_, line_.data() + line_.size(), what);
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
