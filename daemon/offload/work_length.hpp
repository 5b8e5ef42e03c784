#pragma once

#include <algorithm>

#include <millrace/base/time.hpp>

namespace millrace::offload {

/// How long the next computation of a handler will take: a moving average of those that ended, in which each new one
/// counts for an eighth. That is the estimator of round trips in TCP (RFC 6298): two numbers, no history, and the
/// influence of one job that was unlike the others halves with five more.
///
/// Owned by the caller of a pool; loop thread only.
class work_length {
 public:
  void note(duration length) noexcept {
    length = std::max(length, duration::zero());
    mean_ = known_ ? mean_ + (length - mean_) / 8 : length;
    known_ = true;
  }
  /// No computation has ended: nothing is known.
  [[nodiscard]] bool unknown() const noexcept { return !known_; }
  [[nodiscard]] duration expected() const noexcept { return mean_; }

 private:
  duration mean_{0};
  bool known_{false};
};

}  // namespace millrace::offload
