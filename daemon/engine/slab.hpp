#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/paged.hpp"

namespace millrace::engine {

/// The index of a record in its slab. 0 means none: the record there is blank and must not be written.
using slot = std::uint32_t;
inline constexpr slot no_slot = 0;

/// Records that are acquired and released without an allocation each: the record released last is acquired next. `Free`
/// is the member that links free records. `acquire` does not reset a record. Requires: the caller resets a record
/// before it releases it. Owned by a table of the engine; its thread. Constant time. Memory is not returned;
/// `record_pool` returns it.
template <class T, slot T::*Free, std::size_t Page>
class slab {
 public:
  slab() { records_.grow(); }

  [[nodiscard]] T& operator[](slot at) noexcept { return records_[at]; }
  [[nodiscard]] const T& operator[](slot at) const noexcept { return records_[at]; }

  [[nodiscard]] slot acquire() {
    ++used_;
    if (free_ != no_slot) return std::exchange(free_, std::exchange(records_[free_].*Free, no_slot));
    if (fresh_ == records_.capacity()) records_.grow();
    return fresh_++;
  }
  void release(slot at) noexcept {
    --used_;
    records_[at].*Free = std::exchange(free_, at);
  }

  [[nodiscard]] std::size_t size() const noexcept { return used_; }
  /// Whether `at` is the slot of a record, in use or not.
  [[nodiscard]] bool contains(slot at) const noexcept { return at != no_slot && at < fresh_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return records_.bytes(); }

 private:
  paged<T, Page> records_;
  slot free_{no_slot};
  slot fresh_{1};
  std::size_t used_{0};
};

}  // namespace millrace::engine
