#pragma once

#include <cstddef>
#include <string_view>

#include <millrace/base/linked_list.hpp>
#include <millrace/loop/event_loop.hpp>

namespace millrace::loop {

/// Suspends coroutines until other code on the loop's thread wakes them. Gates, scopes and the broker are built on it.
/// Waiters are woken in the order in which they came. They continue in a later handler of the loop, never inside
/// `wake_one`. A waiter that is cancelled is removed, and its await throws operation_aborted. A waiter that was woken
/// is not cancelled any more, so a wake-up is never lost.
///
/// Owned by the object that wakes; loop thread only. Requires: nobody waits when it is destroyed.
class wait_point {
 public:
  /// `waits_for` is shown in the list of tasks. A string literal.
  wait_point(event_loop& loop, std::string_view waits_for);
  ~wait_point();
  wait_point(const wait_point&) = delete;
  wait_point& operator=(const wait_point&) = delete;

  awaitable<> wait();
  /// False: nobody waits.
  bool wake_one();
  std::size_t wake_all();
  [[nodiscard]] std::size_t waiting() const noexcept { return waiters_.size(); }

 private:
  struct waiter;
  event_loop& loop_;
  std::string_view waits_for_;
  linked_list<waiter> waiters_;
};

}  // namespace millrace::loop
