#pragma once

#include <functional>
#include <optional>
#include <utility>

#include <millrace/base/time.hpp>
#include <millrace/loop/due_entry.hpp>
#include <millrace/loop/event_loop.hpp>

namespace millrace::loop {

/// One entry in the loop's shared heap of deadlines: calls `fire` on the loop, once, not before `when`. Setting and clearing cost a
/// step in a heap, no system call and no allocation. Clears itself when destroyed.
///
/// Owned by whoever waits; loop thread only. A deadline that is set keeps the loop running. `fire` may set it again.
class deadline {
 public:
  deadline(event_loop& loop, std::function<void()> fire);
  ~deadline() { clear(); }
  deadline(const deadline&) = delete;
  deadline& operator=(const deadline&) = delete;

  void set(instant when);  ///< replaces an earlier setting; `never` clears
  void clear() noexcept;
  [[nodiscard]] instant when() const noexcept { return entry_.when; }  ///< `never` when it is not set

 private:
  event_loop& loop_;
  due_entry entry_;
};

/// Suspends until `when` / for `length`. Throws operation_aborted when the task is cancelled.
awaitable<> sleep_until(event_loop& loop, instant when);
awaitable<> sleep_for(event_loop& loop, duration length);
/// Lets everything else that is ready run first, sockets and deadlines included: continues with the next turn.
awaitable<> yield(event_loop& loop);

/// True when `work` ended in time; false when `when` came first: then it was cancelled and has ended. Runs as a child of the calling
/// task. A cancelled caller cancels the child. An exception of `work` is rethrown.
awaitable<bool> with_timeout(event_loop& loop, awaitable<void> work, instant when);

namespace detail {
template <class T>
awaitable<> keep(awaitable<T> work, std::optional<T>& value) {
  value.emplace(co_await std::move(work));
}
}  // namespace detail

/// The same for work with a value: the value, or nothing when `when` came first. A value that `work` gives although it was cancelled is
/// not lost.
template <class T>
awaitable<std::optional<T>> with_timeout(event_loop& loop, awaitable<T> work, instant when) {
  std::optional<T> value;
  co_await with_timeout(loop, detail::keep(std::move(work), value), when);
  co_return value;
}

}  // namespace millrace::loop
