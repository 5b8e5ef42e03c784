#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include <millrace/base/time.hpp>

namespace millrace::loop {

/// An entry of the loop's heap of deadlines. It knows its index, so that it can be removed in O(log n). Owned by the
/// object that waits.
struct due_entry {
  static constexpr std::size_t not_in_heap = static_cast<std::size_t>(-1);

  std::function<void()> on_due;
  instant when{never};
  std::uint64_t order{0};  ///< of two with the same instant, the one that was set first fires first
  std::size_t heap_index{not_in_heap};
};

}  // namespace millrace::loop
