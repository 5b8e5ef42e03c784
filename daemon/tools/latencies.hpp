#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <millrace/base/time.hpp>

namespace millrace::tools {

/// A histogram of durations from 1 ns to over an hour in steps of at most 1.6 %: 64 steps for each power of two. Finer
/// than the histograms of the daemon, because p99.9 of two servers are compared. A value costs a few nanoseconds and no
/// allocation.
class latencies {
 public:
  latencies() : counts_(buckets) {}

  void note(duration length, std::uint64_t times = 1) noexcept {
    const auto ns = static_cast<std::uint64_t>(std::clamp<duration::rep>(length.count(), 0, longest));
    counts_[index_of(ns)] += times;
    count_ += times;
    sum_ += ns * times;
    max_ = std::max(max_, ns);
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] duration max() const noexcept { return duration{static_cast<duration::rep>(max_)}; }
  [[nodiscard]] duration mean() const noexcept;
  /// The least length that `share` (0 … 1) of all do not exceed, rounded up to a step; zero when it is empty.
  [[nodiscard]] duration quantile(double share) const noexcept;
  void merge(const latencies& other);

 private:
  static constexpr unsigned step_bits = 6;
  static constexpr std::uint64_t steps = 1u << step_bits;
  static constexpr unsigned width_max = 42;  ///< 2^42 ns: 73 minutes
  static constexpr duration::rep longest = (duration::rep{1} << width_max) - 1;
  static constexpr std::size_t buckets = (width_max - step_bits + 1) * steps;

  /// Below 64 ns each nanosecond has its own bucket; above, the six bits after the leading one select it.
  static std::size_t index_of(std::uint64_t ns) noexcept {
    if (ns < steps) return ns;
    const auto shift = static_cast<unsigned>(std::bit_width(ns)) - 1 - step_bits;
    return (shift + 1) * steps + ((ns >> shift) & (steps - 1));
  }
  static std::uint64_t upper_of(std::size_t index) noexcept;

  std::vector<std::uint64_t> counts_;
  std::uint64_t count_{0};
  std::uint64_t sum_{0};
  std::uint64_t max_{0};
};

}  // namespace millrace::tools
