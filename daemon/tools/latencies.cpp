#include "tools/latencies.hpp"

#include <cmath>

namespace millrace::tools {

std::uint64_t latencies::upper_of(std::size_t index) noexcept {
  if (index < steps) return index;
  const auto shift = static_cast<unsigned>(index / steps) - 1;
  return ((steps + index % steps + 1) << shift) - 1;
}

duration latencies::mean() const noexcept {
  return duration{static_cast<duration::rep>(count_ == 0 ? 0 : sum_ / count_)};
}

duration latencies::quantile(double share) const noexcept {
  if (count_ == 0) return duration::zero();
  // The p99 of 100 values is the 99th. A rank that is not whole is rounded up, but a rounding error does not count.
  const double wanted = std::clamp(share, 0.0, 1.0) * static_cast<double>(count_);
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(wanted - 1e-6)));
  std::uint64_t seen = 0;
  for (std::size_t at = 0; at < counts_.size(); ++at) {
    seen += counts_[at];
    if (seen >= rank) return duration{static_cast<duration::rep>(std::min(upper_of(at), max_))};
  }
  return max();
}

void latencies::merge(const latencies& other) {
  for (std::size_t at = 0; at < counts_.size(); ++at) counts_[at] += other.counts_[at];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

}  // namespace millrace::tools
