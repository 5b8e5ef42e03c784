#pragma once

#include <cstddef>
#include <cstdint>

#include <millrace/base/time.hpp>

#include "engine/paged.hpp"

namespace millrace::engine {

/// What comes due. At one instant they happen in this order: what may make a job ready comes before what tells a
/// waiting session that there is none.
enum class due_kind : std::uint8_t { delay_end, lease_end, pause_end, deadline_soon, reserve_timeout };

/// A due time's owner: a job, queue or session by its number. At one instant and of one kind, the lower goes first.
struct due_owner {
  due_kind kind{};
  std::uint64_t number{0};  ///< asserted below 2^60
};

/// All that waits for its time, in one heap of four children a node; each element knows its place, so that it can be
/// moved or taken out without a search. Changing one costs the logarithm of how many there are; looking at the first,
/// nothing.
class deadlines {
 public:
  /// Where an owner's deadline stands; kept by the owner, written here. 0: nowhere. Must not move while it is not 0.
  using place = std::uint32_t;

  /// Sets or changes the deadline of `at`.
  void set(place& at, instant due, due_owner owner);
  void clear(place& at) noexcept;

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] instant first_due() const noexcept { return count_ == 0 ? never : heap_[0].due; }
  /// Of the first; there must be one.
  [[nodiscard]] due_owner first_owner() const noexcept;
  [[nodiscard]] instant due_of(place at) const noexcept { return heap_[at - 1].due; }

 private:
  struct entry {
    instant due{};
    std::uint64_t owner{0};
    place* at{nullptr};

    [[nodiscard]] bool before(const entry& other) const noexcept {
      return due != other.due ? due < other.due : owner < other.owner;
    }
  };

  void sift_up(std::size_t at, entry it) noexcept;
  void sift_down(std::size_t at, entry it) noexcept;
  void put(std::size_t at, const entry& it) noexcept;

  paged<entry, 1024> heap_;
  std::size_t count_{0};
};

}  // namespace millrace::engine
