#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <millrace/base/time.hpp>
#include <millrace/loop/due_entry.hpp>

namespace millrace::loop {

/// All deadlines of one loop: a heap with four children to a node, whose entries know their place. Owns no entry.
class deadline_heap {
 public:
  /// Puts `entry` in for `when`, or moves it there. O(log n).
  void set(due_entry& entry, instant when);
  void clear(due_entry& entry) noexcept;

  /// `never` when there is none.
  [[nodiscard]] instant next() const noexcept { return entries_.empty() ? never : entries_.front()->when; }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

  /// Takes the earliest one out if it is due; null otherwise.
  due_entry* take_due(instant now) noexcept;

 private:
  void put(std::size_t place, due_entry* entry) noexcept;
  void rise(std::size_t place) noexcept;
  void sink(std::size_t place) noexcept;

  std::vector<due_entry*> entries_;
  std::uint64_t sets_{0};
};

}  // namespace millrace::loop
