#pragma once

#include <algorithm>
#include <utility>

#include <millrace/base/time.hpp>

namespace millrace {

/// How long to wait before a task that failed is started again: `first`, then twice as long each time, at most
/// `longest`. A run that lasted at least `longest` starts the series anew. Owned by the task; loop thread.
class restart_pause {
 public:
  static constexpr duration first = milliseconds{100};
  static constexpr duration longest = seconds{10};

  /// The pause after a run that lasted `ran`.
  [[nodiscard]] duration after_run_of(duration ran) noexcept {
    if (ran >= longest) next_ = first;
    return std::exchange(next_, std::min(2 * next_, longest));
  }

 private:
  duration next_{first};
};

}  // namespace millrace
