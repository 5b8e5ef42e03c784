#pragma once

#include <cassert>
#include <cstdint>

#include <millrace/base/counters.hpp>
#include <millrace/base/time.hpp>

namespace millrace::loop {

/// Counts the callers held at one stage (a full queue, a full pool, a client that does not read) and their total time.
/// Owned by the stage; loop thread only.
class backpressure {
 public:
  void begin(instant now) noexcept {
    ++active_;
    sum_of_begins_ += since_epoch(now);
  }
  /// `began` is the `now` of the matching `begin`.
  void end(instant began, instant now) noexcept {
    assert(active_ > 0);
    --active_;
    sum_of_begins_ -= since_epoch(began);
    ended_ += now - began;
  }

  [[nodiscard]] std::uint64_t active() const noexcept { return active_; }
  /// The time of all that were held; for those still held, up to `now`.
  [[nodiscard]] duration total(instant now) const noexcept {
    return ended_ + duration{static_cast<duration::rep>(active_ * since_epoch(now) - sum_of_begins_)};
  }

 private:
  // Unsigned: sums of instants may wrap around, their differences are right.
  static std::uint64_t since_epoch(instant when) noexcept {
    return static_cast<std::uint64_t>(when.time_since_epoch().count());
  }

  std::uint64_t active_{0};
  duration ended_{0};
  std::uint64_t sum_of_begins_{0};
};

}  // namespace millrace::loop
