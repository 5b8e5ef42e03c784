#pragma once

#include <functional>
#include <optional>
#include <utility>

#include <millrace/base/time.hpp>
#include <millrace/loop/due_entry.hpp>
#include <millrace/loop/event_loop.hpp>

namespace millrace::loop {

/// One entry in the loop's heap of deadlines: calls `on_due` on the loop once, not before `when`. `set` and `clear` are
/// O(log n) without a system call or an allocation. The destructor clears it.
///
/// Owned by the object that waits; loop thread only. A deadline that is set keeps the loop running. `on_due` may set it
/// again.
class deadline {
 public:
  deadline(event_loop& loop, std::function<void()> on_due);
  ~deadline() { clear(); }
  deadline(const deadline&) = delete;
  deadline& operator=(const deadline&) = delete;

  void set(instant when);  ///< replaces an earlier deadline; `never` clears
  void clear() noexcept;
  [[nodiscard]] instant when() const noexcept { return entry_.when; }  ///< `never` when it is not set

 private:
  event_loop& loop_;
  due_entry entry_;
};

/// Suspends until `when`, or for `length`. Throws operation_aborted when the task is cancelled.
awaitable<> sleep_until(event_loop& loop, instant when);
awaitable<> sleep_for(event_loop& loop, duration length);
/// Suspends until the next turn: everything else that is ready runs first, sockets and deadlines included.
awaitable<> yield(event_loop& loop);

/// True when `work` returned, even if it did so after it was cancelled at `when`. False: it was cancelled at `when`,
/// and ended with operation_aborted. Runs `work` as a child of the calling task; a cancelled caller cancels it. Any
/// other exception of `work` is rethrown.
awaitable<bool> with_timeout(event_loop& loop, awaitable<void> work, instant when);

namespace detail {
template <class T>
awaitable<> keep(awaitable<T> work, std::optional<T>& value) {
  value.emplace(co_await std::move(work));
}
}  // namespace detail

/// The same for work with a value: the value, or nullopt when `when` came first. A value that `work` returns although
/// it was cancelled is not lost.
template <class T>
awaitable<std::optional<T>> with_timeout(event_loop& loop, awaitable<T> work, instant when) {
  std::optional<T> value;
  co_await with_timeout(loop, detail::keep(std::move(work), value), when);
  co_return value;
}

}  // namespace millrace::loop
