#pragma once

#include <cstddef>
#include <cstdint>

#include <millrace/base/time.hpp>

#include "base/indexed_heap.hpp"

namespace millrace::engine {

/// The kinds of deadlines. At one instant they are handled in this order: a job expires before it could become ready,
/// and a deadline that may make a job ready comes before one that ends the wait of a session.
enum class due_kind : std::uint8_t { expiry, delay_end, lease_end, pause_end, deadline_soon, reserve_timeout, group };

/// A due time's owner: a job, queue, session or group by its number; 0 for the first job that expires. At one instant
/// and of one kind, the lower goes first.
struct due_owner {
  due_kind kind{};
  std::uint64_t number{0};  ///< asserted below 2^60
};

/// All deadlines of the engine, the first due first.
class deadlines {
 public:
  /// Heap index + 1 of the owner's deadline; 0: the owner has none. Stored in the owner, written by this class. Must
  /// keep its address while it is not 0.
  using heap_position = std::uint32_t;

  /// Sets or changes the owner's deadline.
  void set(heap_position& position, instant due, due_owner owner);
  void clear(heap_position& position) noexcept;

  [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
  [[nodiscard]] instant first_due() const noexcept { return heap_.empty() ? never : heap_.first().due; }
  /// Requires: not empty.
  [[nodiscard]] due_owner first_owner() const noexcept;
  [[nodiscard]] instant due_of(heap_position position) const noexcept { return heap_[position - 1].due; }

 private:
  struct entry {
    instant due{};
    std::uint64_t owner{0};
    heap_position* position{nullptr};

    [[nodiscard]] bool before(const entry& other) const noexcept {
      return due != other.due ? due < other.due : owner < other.owner;
    }
    void moved_to(std::size_t index) const noexcept { *position = static_cast<heap_position>(index + 1); }
  };

  indexed_heap<entry> heap_;
};

}  // namespace millrace::engine
