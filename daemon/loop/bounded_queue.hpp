#pragma once

#include <bit>
#include <cassert>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/wait_point.hpp>

#include "loop/backpressure.hpp"

namespace millrace::loop {

/// A bounded queue between coroutines of one loop. First in, first out; the fast path (`try_`) is a ring buffer and costs a few
/// nanoseconds; only who finds it full or empty suspends, and is woken once for all that was put in or taken out meanwhile. So the way to
/// use it is
///
///     if (!queue.try_push(item) && !co_await queue.push(std::move(item))) co_return;  // closed
///
///     auto item = queue.try_pop();
///     if (!item) item = co_await queue.pop();
///
/// Closing keeps what is inside: poppers get the rest, then nullopt; pushers are refused from then on, and those who wait are woken and
/// refused. A cancelled waiter throws operation_aborted; its item was not pushed, and no item was taken for it.
///
/// Owned by either side or above both; loop thread only; nobody may wait when it ends.
template <class T>
class bounded_queue {
 public:
  /// `capacity` ≥ 1 (asserted).
  bounded_queue(event_loop& loop, std::size_t capacity)
      : loop_{loop},
        capacity_{capacity},
        mask_{std::bit_ceil(capacity) - 1},
        ring_{std::allocator<T>{}.allocate(mask_ + 1)} {
    assert(capacity >= 1);
  }
  ~bounded_queue() {
    while (try_pop()) {
    }
    std::allocator<T>{}.deallocate(ring_, mask_ + 1);
  }
  bounded_queue(const bounded_queue&) = delete;
  bounded_queue& operator=(const bounded_queue&) = delete;

  /// Moves from `item` if there is room and it is open.
  bool try_push(T& item) {
    if (pushed_ - popped_ >= capacity_ || closed_) return false;
    std::construct_at(ring_ + (pushed_++ & mask_), std::move(item));
    if (poppers_.waiting() != 0) poppers_.wake_one();
    return true;
  }

  std::optional<T> try_pop() {
    if (pushed_ == popped_) return std::nullopt;
    T* const place = ring_ + (popped_++ & mask_);
    std::optional<T> item{std::move(*place)};
    std::destroy_at(place);
    if (pushers_.waiting() != 0) pushers_.wake_one();
    return item;
  }

  /// False: closed.
  awaitable<bool> push(T item) {
    if (try_push(item)) co_return true;
    const held here{*this};
    line_end where = line_end::back;
    while (!closed_) {
      co_await pushers_.wait(where);
      if (try_push(item)) co_return true;
      where = line_end::front;
    }
    co_return false;
  }

  /// nullopt: closed and empty.
  awaitable<std::optional<T>> pop() {
    line_end where = line_end::back;
    for (;;) {
      std::optional<T> item = try_pop();
      if (item || closed_) co_return item;
      co_await poppers_.wait(where);
      where = line_end::front;
    }
  }

  void close() {
    closed_ = true;
    pushers_.wake_all();
    poppers_.wake_all();
  }

  [[nodiscard]] bool closed() const noexcept { return closed_; }
  [[nodiscard]] std::size_t size() const noexcept { return pushed_ - popped_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] const backpressure& held_pushers() const noexcept { return held_pushers_; }

 private:
  /// A pusher that waits, from its first wait to its end, however it ends.
  class held {
   public:
    explicit held(bounded_queue& at) noexcept : at_{at}, began_{at.loop_.now()} { at_.held_pushers_.begin(began_); }
    ~held() { at_.held_pushers_.end(began_, at_.loop_.now()); }
    held(const held&) = delete;
    held& operator=(const held&) = delete;

   private:
    bounded_queue& at_;
    instant began_;
  };

  event_loop& loop_;
  std::size_t capacity_;
  std::size_t mask_;
  T* ring_;  ///< constructed from `popped_` to `pushed_`, modulo its size
  std::size_t pushed_{0};
  std::size_t popped_{0};
  bool closed_{false};
  wait_point pushers_{loop_, "queue full"};
  wait_point poppers_{loop_, "queue empty"};
  backpressure held_pushers_;
};

}  // namespace millrace::loop
