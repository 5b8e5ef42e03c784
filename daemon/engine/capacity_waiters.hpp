#pragma once

#include <cstdint>
#include <utility>
#include <variant>

#include <millrace/base/linked_list.hpp>
#include <millrace/base/time.hpp>

#include "engine/command.hpp"
#include "engine/slab.hpp"

namespace millrace::engine {

/// A put, a whole finish, or the outcome of a group that waits until a full queue has capacity.
struct capacity_waiter : list_link<capacity_waiter> {
  slot session{no_slot};
  slot queue{no_slot};  ///< for whose capacity it waits
  slot job{no_slot};    ///< a finish: the job it ends
  group_id group{};     ///< the job that tells the outcome of this group; it has no session
  std::variant<put_request, finish_request> request;
  instant since{};  ///< when it began to wait
};

/// The requests that wait for capacity in one queue, first come first served: none overtakes, however small. Owns them.
class capacity_waiters {
 public:
  capacity_waiters() = default;
  capacity_waiters(const capacity_waiters&) = delete;
  capacity_waiters& operator=(const capacity_waiters&) = delete;
  ~capacity_waiters() {
    capacity_waiter* next = list_.first();
    while (next != nullptr) delete std::exchange(next, linked_list<capacity_waiter>::next(*next));
  }

  [[nodiscard]] bool empty() const noexcept { return list_.empty(); }
  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(list_.size()); }
  /// Requires: not empty.
  [[nodiscard]] capacity_waiter& first() const noexcept { return *list_.first(); }

  /// Takes ownership.
  void join(capacity_waiter* added) noexcept { list_.push_back(*added); }
  /// Gives ownership back.
  capacity_waiter* leave(capacity_waiter& gone) noexcept {
    list_.remove(gone);
    return &gone;
  }

 private:
  linked_list<capacity_waiter> list_;
};

}  // namespace millrace::engine
