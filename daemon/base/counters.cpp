#include <millrace/base/counters.hpp>

#include <algorithm>
#include <cassert>
#include <numeric>

namespace millrace {

namespace {

constexpr duration shortest = microseconds{10};
constexpr duration longest = minutes{10};

/// Bounds at `tenths` of each power of ten, from the shortest to the longest, which is always the last.
std::vector<duration> decades(std::span<const duration::rep> tenths) {
  std::vector<duration> upper;
  for (duration decade = shortest;; decade *= 10) {
    for (const auto at : tenths) {
      const duration bound = decade / 10 * at;
      if (bound >= longest) {
        upper.push_back(longest);
        return upper;
      }
      upper.push_back(bound);
    }
  }
}

/// 1.0, 1.1 … 9.9, in tenths.
std::vector<duration::rep> fine_steps() {
  std::vector<duration::rep> tenths(90);
  std::iota(tenths.begin(), tenths.end(), duration::rep{10});
  return tenths;
}

}  // namespace

histogram_bounds::histogram_bounds(std::vector<duration> upper) : upper_{std::move(upper)} {
  assert(!upper_.empty() && upper_.front() > duration::zero() && std::ranges::is_sorted(upper_));
  for (std::size_t at = 0; at < upper_.size(); ++at) {
    const auto part = part_of(static_cast<std::uint64_t>(upper_[at].count()));
    // Values of a later part are above this bound.
    for (std::size_t later = part + 1; later < first_of_part_.size(); ++later)
      first_of_part_[later] = static_cast<std::uint16_t>(at + 1);
  }
}

const histogram_bounds& histogram_bounds::fine() {
  static const histogram_bounds bounds{decades(fine_steps())};
  return bounds;
}

std::span<const duration> histogram_bounds::exported() {
  static const std::vector<duration> bounds = decades(std::vector<duration::rep>{10, 20, 50});
  return bounds;
}

duration histogram::quantile(double share) const noexcept {
  if (count_ == 0) return duration::zero();
  const double wanted = std::clamp(share, 0.0, 1.0) * static_cast<double>(count_);
  const auto upper = bounds_->upper();
  double below = 0;
  for (std::size_t at = 0; at < upper.size(); ++at) {
    const auto count = static_cast<double>(counts_[at]);
    if (count > 0 && below + count >= wanted) {
      const duration from = at == 0 ? duration::zero() : upper[at - 1];
      const double part = (wanted - below) / count;
      return from + duration{static_cast<duration::rep>(part * static_cast<double>((upper[at] - from).count()))};
    }
    below += count;
  }
  return upper.back();
}

void histogram::merge(const histogram& other) {
  assert(std::ranges::equal(bounds_->upper(), other.bounds_->upper()));
  for (std::size_t at = 0; at < counts_.size(); ++at) counts_[at] += other.counts_[at];
  count_ += other.count_;
  sum_ = saturating_add(sum_, other.sum_);
}

}  // namespace millrace
