#pragma once

#include <cstdint>

#include <millrace/base/linked_list.hpp>

#include "engine/slab.hpp"

namespace millrace::engine {

/// A session that waits for a job of one queue it watches.
struct waiter : list_link<waiter> {
  slot session{no_slot};
};

/// The sessions that wait for a job of one queue, in the order in which they began. A session is in the lists of all
/// queues it watches and leaves them all at once. The session owns the elements (`session::waits_at`). Constant time.
class waiters {
 public:
  [[nodiscard]] bool empty() const noexcept { return list_.empty(); }
  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(list_.size()); }
  /// The session that has waited longest. Requires: not empty.
  [[nodiscard]] slot first() const noexcept { return list_.first()->session; }

  void join(waiter& added) noexcept { list_.push_back(added); }
  /// Before all others: it had its turn already and got nothing.
  void join_first(waiter& added) noexcept { list_.push_front(added); }
  void leave(waiter& gone) noexcept { list_.remove(gone); }

 private:
  linked_list<waiter> list_;
};

}  // namespace millrace::engine
