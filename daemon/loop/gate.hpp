#pragma once

#include <cassert>
#include <cstddef>
#include <string_view>
#include <utility>

#include <millrace/loop/wait_point.hpp>

namespace millrace::loop {

/// Closes a part of the program in two steps: after `close` nothing enters, and `join` waits for what has entered
/// before. (The model is seastar's gate.)
///
/// Owned by the object whose operations it counts; loop thread only. It does not cancel what is inside, so the owner
/// makes sure that this ends. It cannot be opened again. Asserts when destroyed that nothing is inside.
class gate {
 public:
  /// One entry. Leaves the gate when it is destroyed. Requires: the gate outlives it.
  class entry {
   public:
    entry() noexcept = default;
    entry(entry&& other) noexcept : gate_{std::exchange(other.gate_, nullptr)} {}
    entry& operator=(entry&& other) noexcept {
      std::swap(gate_, other.gate_);
      return *this;
    }
    ~entry() {
      if (gate_ != nullptr) gate_->leave();
    }

    /// False: the gate was closed.
    explicit operator bool() const noexcept { return gate_ != nullptr; }

   private:
    friend class gate;
    explicit entry(gate& entered) noexcept : gate_{&entered} {}

    gate* gate_{nullptr};
  };

  /// `waits_for` describes what `join` waits for in the list of tasks. A string literal.
  gate(event_loop& loop, std::string_view waits_for) : empty_{loop, waits_for} {}
  ~gate() { assert(inside_ == 0); }
  gate(const gate&) = delete;
  gate& operator=(const gate&) = delete;

  /// Enters for as long as the result lives. The result is false when the gate is closed.
  [[nodiscard]] entry hold() noexcept { return try_enter() ? entry{*this} : entry{}; }

  /// The same for an owner that counts by itself. True: `leave` must follow.
  [[nodiscard]] bool try_enter() noexcept {
    if (closed_) return false;
    ++inside_;
    return true;
  }
  void leave() noexcept {
    assert(inside_ != 0);
    if (--inside_ == 0 && closed_) empty_.wake_all();
  }

  /// Lets nothing in any more. False: it was closed before.
  bool close() noexcept { return !std::exchange(closed_, true); }

  /// Suspends until nothing is inside. Any number of tasks may wait. Throws operation_aborted when its task is
  /// cancelled. Requires: closed.
  awaitable<> join() {
    assert(closed_);
    while (inside_ != 0) co_await empty_.wait();
  }

  [[nodiscard]] bool closed() const noexcept { return closed_; }
  [[nodiscard]] std::size_t inside() const noexcept { return inside_; }

 private:
  wait_point empty_;
  std::size_t inside_{0};
  bool closed_{false};
};

}  // namespace millrace::loop
