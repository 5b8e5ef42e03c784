#pragma once

#include <cstddef>
#include <string_view>

#include <millrace/loop/event_loop.hpp>

namespace millrace::loop {

/// Where a waiter enters the line of a `wait_point`.
enum class line_end { back, front };

/// Where coroutines wait until another part of the loop's thread wakes them: the one primitive under queues, scopes and the broker.
/// Waiters are woken in the order in which they came, at the next turn (never inside `wake_one`). A cancelled waiter leaves the line and its await
/// throws operation_aborted; a waiter that was woken already is not cancelled any more, so what it was woken for is not lost.
///
/// Owned by whoever wakes; loop thread only; nobody may wait when it ends.
class wait_point {
 public:
  /// `what` is shown as what the task waits for; a string literal.
  wait_point(event_loop& loop, std::string_view what);
  ~wait_point();  ///< asserts that nobody waits
  wait_point(const wait_point&) = delete;
  wait_point& operator=(const wait_point&) = delete;

  /// Who was woken in vain (somebody else was quicker) keeps its turn by waiting again at the front.
  awaitable<> wait(line_end where = line_end::back);
  /// False when nobody waits.
  bool wake_one();
  std::size_t wake_all();
  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }

 private:
  struct waiter;
  event_loop& loop_;
  std::string_view what_;
  waiter* first_{nullptr};
  waiter* last_{nullptr};
  std::size_t waiting_{0};
};

}  // namespace millrace::loop
