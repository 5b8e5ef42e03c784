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

/// Something that only rises. One thread writes; whoever exports it copies it on that thread.
class counter {
 public:
  void add(std::uint64_t by = 1) noexcept { value_ += by; }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

 private:
  std::uint64_t value_{0};
};

/// Upper bounds of buckets, ascending and shared by the histograms that use them. `fine()` has every two-digit
/// number of a decade up to 2 and coarser steps above (35 a decade, at most 10 % apart) from 10 µs to 10 min,
/// and contains the coarse 1-2-5 bounds that are exported, so that folding to those is exact.
class histogram_bounds {
 public:
  /// `upper` ascending, positive; asserted.
  explicit histogram_bounds(std::vector<duration> upper);

  [[nodiscard]] static const histogram_bounds& fine();
  /// About three to the decade (1, 2, 5) from 10 µs to 10 min: what is exported unless settings say otherwise.
  [[nodiscard]] static std::span<const duration> exported();

  [[nodiscard]] std::span<const duration> upper() const noexcept { return upper_; }

  /// The first bucket whose upper bound is not below `value`; `upper().size()` beyond the last. A few nanoseconds.
  [[nodiscard]] std::size_t index_of(duration value) const noexcept {
    const auto ns = static_cast<std::uint64_t>(std::max<duration::rep>(value.count(), 0));
    std::size_t at = first_of_octave_[static_cast<std::size_t>(std::bit_width(ns))];
    while (at < upper_.size() && upper_[at].count() < value.count()) ++at;
    return at;
  }

 private:
  std::vector<duration> upper_;
  std::array<std::uint16_t, 65> first_of_octave_{};
};

/// How often which length of time was seen. One thread writes; the bounds outlive it.
class histogram {
 public:
  explicit histogram(const histogram_bounds& bounds = histogram_bounds::fine())
      : bounds_{&bounds}, counts_(bounds.upper().size() + 1) {}

  void observe(duration value) noexcept { observe(value, 1); }
  void observe(duration value, std::uint64_t times) noexcept {
    counts_[bounds_->index_of(value)] += times;
    count_ += times;
    sum_ += value * static_cast<duration::rep>(times);
  }

  [[nodiscard]] const histogram_bounds& bounds() const noexcept { return *bounds_; }
  /// Not cumulative; the last one counts what lies beyond the last bound.
  [[nodiscard]] std::span<const std::uint64_t> counts() const noexcept { return counts_; }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] duration sum() const noexcept { return sum_; }
  /// The bound below which `share` (0 … 1) of the values lie, interpolated within its bucket; zero when nothing was seen.
  [[nodiscard]] duration quantile(double share) const noexcept;
  /// Adds what `other` saw; both must have the same bounds.
  void merge(const histogram& other);

 private:
  const histogram_bounds* bounds_;
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_{0};
  duration sum_{0};
};

}  // namespace millrace
