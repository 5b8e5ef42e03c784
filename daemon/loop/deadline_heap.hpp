#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <millrace/base/time.hpp>
#include <millrace/loop/due_entry.hpp>

namespace millrace::loop {

/// All deadlines of one loop: a 4-ary heap whose entries know their index. Owns no entry; loop thread only.
class deadline_heap {
 public:
  /// Inserts `entry` with `when`, or moves it there. O(log n).
  void set(due_entry& entry, instant when);
  void clear(due_entry& entry) noexcept;

  /// `never` when there is none.
  [[nodiscard]] instant next() const noexcept { return entries_.empty() ? never : entries_.front()->when; }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

  /// Removes and returns the earliest entry if it is due; null otherwise.
  due_entry* take_due(instant now) noexcept;

 private:
  void put(std::size_t place, due_entry* entry) noexcept;
  void rise(std::size_t place) noexcept;
  void sink(std::size_t place) noexcept;

  std::vector<due_entry*> entries_;
  std::uint64_t sets_{0};
};

}  // namespace millrace::loop
