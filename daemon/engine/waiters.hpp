#pragma once

#include <cstdint>

#include "engine/paged.hpp"

namespace millrace::engine {

/// A session's place among the waiters of one queue it watches.
struct waiter {
  slot session{no_slot};
  waiter* previous{nullptr};
  waiter* next{nullptr};
};

/// The sessions that wait for a job of one queue, in the order in which they began. A session stands in the lists of
/// all queues it watches and leaves them all at once; the nodes are its own and stay in place meanwhile. Constant time.
class waiters {
 public:
  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  [[nodiscard]] std::uint32_t size() const noexcept { return count_; }
  /// Who has waited longest; there must be one.
  [[nodiscard]] slot first() const noexcept { return first_->session; }

  void join(waiter& it) noexcept {
    it.previous = last_;
    it.next = nullptr;
    (last_ == nullptr ? first_ : last_->next) = &it;
    last_ = &it;
    ++count_;
  }
  /// Before all others: it had its turn already and got nothing.
  void join_first(waiter& it) noexcept {
    it.previous = nullptr;
    it.next = first_;
    (first_ == nullptr ? last_ : first_->previous) = &it;
    first_ = &it;
    ++count_;
  }
  void leave(waiter& it) noexcept {
    (it.previous == nullptr ? first_ : it.previous->next) = it.next;
    (it.next == nullptr ? last_ : it.next->previous) = it.previous;
    --count_;
  }

 private:
  waiter* first_{nullptr};
  waiter* last_{nullptr};
  std::uint32_t count_{0};
};

}  // namespace millrace::engine
