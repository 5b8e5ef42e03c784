#pragma once

#include <cstdint>
#include <optional>
#include <random>

#include <millrace/base/time.hpp>

#include "workload/options.hpp"

namespace millrace::workload {

/// When a producer's next body is due, and when there will be no more. Pure: the time is an argument.
///
/// With a rate it keeps a schedule. Constant: the n-th body is due n intervals after the first, without drift. Poisson:
/// the gaps are exponentially distributed, and their mean is the interval; the same seed gives the same gaps.
///
/// A producer that was held by a full queue catches up with its schedule, by `catch_up_max` at most: bodies that were
/// due before that are left out, so that no burst is larger than what the rate gives in that time. Without a rate a
/// body is always due, and none is late.
class pace {
 public:
  static constexpr duration catch_up_max = seconds{1};

  /// `limit` replaces the options' own.
  pace(const producer_options& options, std::optional<std::uint64_t> limit, instant start);

  /// When the next body is due; in the past or now: at once. `never`: there will be none.
  [[nodiscard]] instant due() const noexcept { return left_ == 0 || due_ >= end_ ? never : due_; }
  /// The same, where a rate says so; `never` without one.
  [[nodiscard]] instant scheduled() const noexcept { return interval_ns_ == 0 ? never : due(); }
  /// No further body at `now` or later.
  [[nodiscard]] bool over(instant now) const noexcept { return now >= end_ || due() == never; }
  /// The end of `for`; `never` without.
  [[nodiscard]] instant end() const noexcept { return end_; }

  /// Moves the start, and with it all times, to `now`. Requires: nothing was put yet.
  void begin(instant now) noexcept;
  /// Bodies that were put.
  [[nodiscard]] std::uint64_t bodies() const noexcept { return bodies_; }
  /// Changes the schedule from `now` on: the next body comes when it was due, or after one interval, whichever is
  /// earlier.
  void set_schedule(const producer_options& options, instant now);
  /// `bodies` more from now on; nullopt: no limit.
  void set_left(std::optional<std::uint64_t> bodies) noexcept;

  /// The body that was due was put at `now`: how late that was, and the schedule moves on.
  duration put(instant now);
  /// The source had nothing until `now`: that is not being late.
  void had_nothing_until(instant now) noexcept;

 private:
  void read_schedule(const producer_options& options);
  [[nodiscard]] duration next_gap();
  void restart_from(instant when) noexcept;

  double interval_ns_{0};  ///< 0: no rate
  bool poisson_{false};
  std::mt19937_64 random_{};
  std::uint64_t left_{0};
  std::uint64_t bodies_{0};
  instant end_;
  instant origin_;  ///< where the constant schedule began or began anew
  std::uint64_t since_origin_{0};
  instant due_;
};

}  // namespace millrace::workload
