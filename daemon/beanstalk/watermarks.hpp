#pragma once

#include <cstddef>

namespace millrace::beanstalk {

/// Two levels of a buffer. Its source pauses at the high level and continues at the low level. The distance between
/// them keeps the source from switching with every byte.
struct watermarks {
  std::size_t high;  ///< at least 1
  std::size_t low;   ///< below `high`

  [[nodiscard]] constexpr bool must_pause(std::size_t level) const noexcept { return level >= high; }
  [[nodiscard]] constexpr bool may_continue(std::size_t level) const noexcept { return level <= low; }
};

}  // namespace millrace::beanstalk
