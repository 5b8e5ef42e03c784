#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <millrace/base/time.hpp>

namespace millrace {

/// A number that only rises. One thread writes and reads it.
class counter {
 public:
  void add(std::uint64_t by = 1) noexcept { value_ += by; }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

 private:
  std::uint64_t value_{0};
};

/// Upper bounds of buckets, ascending and shared by the histograms that use them. `fine()` has every number of two
/// significant digits from 10 µs to 10 min (90 a decade, at most 10 % apart). So a histogram can be exported exactly
/// with any bounds of at most two significant digits in that range, for example the 1-2-5 bounds of `exported()`.
class histogram_bounds {
 public:
  /// Requires: `upper` is ascending and positive.
  explicit histogram_bounds(std::vector<duration> upper);

  [[nodiscard]] static const histogram_bounds& fine();
  /// Three bounds a decade (1, 2, 5) from 10 µs to 10 min: the default of exported histograms.
  [[nodiscard]] static std::span<const duration> exported();

  [[nodiscard]] std::span<const duration> upper() const noexcept { return upper_; }

  /// Whether values on both sides of `bound` are counted in different buckets.
  [[nodiscard]] bool contains(duration bound) const noexcept { return std::ranges::binary_search(upper_, bound); }

  /// The first bucket whose upper bound is not below `value`; `upper().size()` beyond the last. A few nanoseconds.
  [[nodiscard]] std::size_t index_of(duration value) const noexcept {
    std::size_t at = first_of_part_[part_of(static_cast<std::uint64_t>(std::max<duration::rep>(value.count(), 0)))];
    while (at < upper_.size() && upper_[at].count() < value.count()) ++at;
    return at;
  }

 private:
  /// Each octave of nanoseconds has eight parts. Rises with `ns`.
  [[nodiscard]] static std::size_t part_of(std::uint64_t ns) noexcept {
    if (ns < 8) return ns;
    const auto shift = static_cast<std::size_t>(std::bit_width(ns)) - 4;
    return shift * 8 + (ns >> shift);
  }

  std::vector<duration> upper_;
  /// Where the search for a value of that part begins: the first bound that is not below all values of the part.
  std::array<std::uint16_t, 61 * 8 + 8> first_of_part_{};
};

/// Counts durations by bucket. One thread writes and reads it; the bounds outlive it.
class histogram {
 public:
  histogram() : histogram{histogram_bounds::fine()} {}
  explicit histogram(const histogram_bounds& bounds) : bounds_{&bounds}, counts_(bounds.upper().size() + 1) {}

  void observe(duration value) noexcept { observe(value, 1); }
  void observe(duration value, std::uint64_t times) noexcept {
    counts_[bounds_->index_of(value)] += times;
    count_ += times;
    sum_ = saturating_add(sum_, saturating_multiply(value, times));
  }

  [[nodiscard]] const histogram_bounds& bounds() const noexcept { return *bounds_; }
  /// Not cumulative. The last entry counts the values above the last bound.
  [[nodiscard]] std::span<const std::uint64_t> counts() const noexcept { return counts_; }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// At most `duration::max()`: jobs may have waited for years.
  [[nodiscard]] duration sum() const noexcept { return sum_; }
  /// The bound below which `share` (0 … 1) of the values lie, interpolated within its bucket; zero when nothing was
  /// seen.
  [[nodiscard]] duration quantile(double share) const noexcept;
  /// Adds the counts of `other`. Requires: both have the same bounds.
  void merge(const histogram& other);

 private:
  const histogram_bounds* bounds_;
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_{0};
  duration sum_{0};
};

}  // namespace millrace
