#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include <millrace/base/time.hpp>

#include "offload/work_length.hpp"

namespace millrace::offload {

/// `run_on: auto`: where the next computation of one handler begins. It begins on the loop if computations on bodies of
/// about that size are expected to be shorter than `long_work`, or if nothing is known of them; otherwise on a thread.
/// One that has used `long_work` on the loop goes on on a thread, so a wrong guess costs the loop `long_work` and one
/// step.
///
/// That is the rule for renting skis (Karlin, Manasse, Rudolph and Sleator, Algorithmica 3, 1988): stay on the loop
/// until that has cost as much as the way to a thread. It never costs more than twice the best choice. `work_length`
/// makes wrong guesses rare. Sizes are distinguished by powers of two.
///
/// A step that holds the loop for longer than `stall_threshold` moves the handler to threads for good.
///
/// Owned by a consumer; loop thread only.
class site_choice {
 public:
  /// About the cost of the way to a thread and back: 1 µs if the thread is awake, 60 µs if it sleeps.
  static constexpr duration long_work = microseconds{20};

  /// `stall_threshold` outlives this object. `on_stall` is called on the loop, once, with the length of the step.
  site_choice(const duration& stall_threshold, std::function<void(duration)> on_stall)
      : stall_threshold_{&stall_threshold}, on_stall_{std::move(on_stall)} {}

  [[nodiscard]] bool begins_on_loop(std::size_t body_bytes) const noexcept {
    return !moved_ && lengths_[class_of(body_bytes)].expected() < long_work;
  }
  /// A computation has ended, wherever it ran.
  void note_end(std::size_t body_bytes, duration length) noexcept { lengths_[class_of(body_bytes)].note(length); }
  /// A step has held the loop.
  void note_step(duration length) {
    if (length <= *stall_threshold_ || moved_) return;
    moved_ = true;
    on_stall_(length);
  }
  /// It was moved to threads for good.
  [[nodiscard]] bool moved() const noexcept { return moved_; }

 private:
  static constexpr std::size_t classes = 33;  ///< a body has less than 2^32 bytes
  [[nodiscard]] static std::size_t class_of(std::size_t body_bytes) noexcept {
    return static_cast<std::size_t>(std::bit_width(static_cast<std::uint32_t>(body_bytes)));
  }

  const duration* stall_threshold_;
  std::function<void(duration)> on_stall_;
  std::array<work_length, classes> lengths_{};
  bool moved_{false};
};

}  // namespace millrace::offload
