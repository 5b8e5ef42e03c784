#pragma once

#include <cstdint>
#include <utility>

#include <millrace/base/time.hpp>

namespace millrace::workload {

/// How often something that may happen a million times a second is said: so many times a period, and how often it was left out.
class now_and_then {
 public:
  static constexpr std::uint32_t times_per_period = 10;
  static constexpr duration period = seconds{1};

  /// True when it may be said now; otherwise it is counted as left out.
  [[nodiscard]] bool may_say(instant now) noexcept {
    if (now >= until_) {
      until_ = after(now, period);
      said_ = 0;
    }
    if (said_ == times_per_period) {
      ++left_out_;
      return false;
    }
    ++said_;
    return true;
  }
  /// Left out since this was last asked.
  [[nodiscard]] std::uint64_t take_left_out() noexcept { return std::exchange(left_out_, 0); }

 private:
  instant until_{instant::min()};
  std::uint32_t said_{0};
  std::uint64_t left_out_{0};
};

}  // namespace millrace::workload
