#pragma once

#include <cstddef>
#include <cstdint>

#include <millrace/base/time.hpp>
#include <millrace/loop/due_entry.hpp>

#include "base/indexed_heap.hpp"

namespace millrace::loop {

/// All deadlines of one loop, the earliest first. Owns no entry; loop thread only.
class deadline_heap {
 public:
  /// Inserts `entry` with `when`, or moves it there. O(log n).
  void set(due_entry& entry, instant when);
  void clear(due_entry& entry) noexcept;

  /// `never` when there is none.
  [[nodiscard]] instant next() const noexcept { return heap_.empty() ? never : heap_.first().when; }
  [[nodiscard]] std::size_t size() const noexcept { return heap_.size(); }

  /// Removes and returns the earliest entry if it is due; null otherwise.
  due_entry* take_due(instant now) noexcept;

 private:
  /// An entry and a copy of its instant, so that a comparison rarely reads the entry.
  struct element {
    instant when{};
    due_entry* entry{nullptr};

    [[nodiscard]] bool before(const element& other) const noexcept {
      return when != other.when ? when < other.when : entry->order < other.entry->order;
    }
    void moved_to(std::size_t index) const noexcept { entry->heap_index = index; }
  };

  indexed_heap<element> heap_;
  std::uint64_t sets_{0};
};

}  // namespace millrace::loop
