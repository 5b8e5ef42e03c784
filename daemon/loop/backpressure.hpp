#pragma once

#include <cassert>
#include <cstdint>

#include <millrace/base/counters.hpp>
#include <millrace/base/time.hpp>

namespace millrace::loop {

/// Who is held at one stage, and for how long in all: a full queue, a full pool, a client that does not read.
/// Owned by the stage; loop thread only.
class backpressure {
 public:
  void begin(instant now) noexcept {
    ++active_;
    sum_of_begins_ += since_epoch(now);
  }
  /// `began` is what `begin` was told.
  void end(instant began, instant now) noexcept {
    assert(active_ > 0);
    --active_;
    sum_of_begins_ -= since_epoch(began);
    ended_ += now - began;
  }

  [[nodiscard]] std::uint64_t active() const noexcept { return active_; }
  /// Of all that were held, those still held counted up to `now`.
  [[nodiscard]] duration total(instant now) const noexcept {
    return ended_ + duration{static_cast<duration::rep>(active_ * since_epoch(now) - sum_of_begins_)};
  }

 private:
  // Unsigned: sums of instants may wrap around, their differences come out right.
  static std::uint64_t since_epoch(instant when) noexcept {
    return static_cast<std::uint64_t>(when.time_since_epoch().count());
  }

  std::uint64_t active_{0};
  duration ended_{0};
  std::uint64_t sum_of_begins_{0};
};

}  // namespace millrace::loop
