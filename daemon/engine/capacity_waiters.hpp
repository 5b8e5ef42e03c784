#pragma once

#include <cstdint>
#include <variant>

#include <millrace/base/time.hpp>

#include "engine/command.hpp"
#include "engine/paged.hpp"

namespace millrace::engine {

/// A put, or a whole finish, that waits until a full queue has capacity.
struct capacity_waiter {
  slot session{no_slot};
  slot queue{no_slot};  ///< for whose capacity it waits
  slot job{no_slot};    ///< a finish: the job it ends
  std::variant<put_request, finish_request> request;
  instant since{};  ///< when it began to wait
  capacity_waiter* previous{nullptr};
  capacity_waiter* next{nullptr};
};

/// The requests that wait for capacity in one queue, first come first served: none overtakes, however small. Owns them.
class capacity_waiters {
 public:
  capacity_waiters() = default;
  capacity_waiters(const capacity_waiters&) = delete;
  capacity_waiters& operator=(const capacity_waiters&) = delete;
  ~capacity_waiters() {
    while (first_ != nullptr) delete leave(*first_);
  }

  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
  [[nodiscard]] std::uint32_t size() const noexcept { return count_; }
  [[nodiscard]] capacity_waiter& first() const noexcept { return *first_; }

  /// Takes ownership.
  void join(capacity_waiter* it) noexcept {
    it->previous = last_;
    it->next = nullptr;
    (last_ == nullptr ? first_ : last_->next) = it;
    last_ = it;
    ++count_;
  }
  /// Gives ownership back.
  capacity_waiter* leave(capacity_waiter& it) noexcept {
    (it.previous == nullptr ? first_ : it.previous->next) = it.next;
    (it.next == nullptr ? last_ : it.next->previous) = it.previous;
    --count_;
    return &it;
  }

 private:
  capacity_waiter* first_{nullptr};
  capacity_waiter* last_{nullptr};
  std::uint32_t count_{0};
};

}  // namespace millrace::engine
