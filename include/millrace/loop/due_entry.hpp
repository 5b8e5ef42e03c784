#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include <millrace/base/time.hpp>

namespace millrace::loop {

/// A place in the loop's heap of deadlines. Belongs to whoever waits for it and knows where it stands, so that it can leave.
struct due_entry {
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

  std::function<void()> fire;
  instant when{never};
  std::uint64_t order{0};  ///< of two with the same instant, the one set first fires first
  std::size_t place{nowhere};
};

}  // namespace millrace::loop
