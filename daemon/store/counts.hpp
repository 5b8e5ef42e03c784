#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <millrace/base/counters.hpp>
#include <millrace/base/time.hpp>

namespace millrace::store {

/// Counts observed sizes in buckets. One thread writes.
class size_distribution {
 public:
  static constexpr std::array<std::uint64_t, 16> upper{1,   2,    5,    10,   20,     50,     100,    200,
                                                       500, 1000, 2000, 5000, 10'000, 20'000, 50'000, 100'000};

  void observe(std::uint64_t value) noexcept {
    ++counts_[static_cast<std::size_t>(std::lower_bound(upper.begin(), upper.end(), value) - upper.begin())];
    ++count_;
    sum_ += value;
  }

  /// Not cumulative; the last one counts what lies beyond the last bound.
  [[nodiscard]] std::span<const std::uint64_t> counts() const noexcept { return counts_; }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t sum() const noexcept { return sum_; }

 private:
  std::array<std::uint64_t, upper.size() + 1> counts_{};
  std::uint64_t count_{0};
  std::uint64_t sum_{0};
};

/// What a store measures of itself; the loop's.
struct sqlite_store_counts {
  histogram commit;                ///< from the first row of a batch until it was durable
  size_distribution commit_jobs;   ///< jobs a commit wrote
  counter errors;                  ///< commits that failed, each attempt, and bodies that could not be read
  std::uint64_t bytes{0};          ///< of the data file and of what its log holds
  duration lag{0};                 ///< how long ago the oldest change came that is not written
  std::uint64_t free_bytes{0};     ///< that other programs could take of the disk, at the last look of the writer
  std::uint64_t reserve_bytes{0};  ///< `disk_reserve`: puts are refused while less than this is free, ballast included
  std::uint64_t ballast_bytes{0};  ///< 0 once it was given up
};

}  // namespace millrace::store
