#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <millrace/base/time.hpp>
#include <millrace/loop/deadline.hpp>

#include "base/log.hpp"

namespace millrace::workload {

/// Limits how many lines of one event are logged: `lines_per_period`. Further events of the period are counted, and
/// when it is over, or at `flush`, a line `left_out` says how many they were. So the logged lines and the numbers left
/// out add up to the events.
///
/// Owned by the object that logs; loop thread. While events are left out it holds a deadline, which keeps the loop
/// running: its owner calls `flush` when it ends, or is destroyed.
class log_limiter {
 public:
  static constexpr std::uint32_t lines_per_period = 10;
  static constexpr duration period = seconds{1};

  /// `event` is a literal; `name` outlives the limiter and is shown under `key`: `consumer`, `producer`.
  log_limiter(loop::event_loop& loop, std::string_view event, std::string_view key, const std::string& name)
      : loop_{loop}, event_{event}, key_{key}, name_{name}, period_over_{loop, [this] { flush(); }} {}
  ~log_limiter() { flush(); }
  log_limiter(const log_limiter&) = delete;
  log_limiter& operator=(const log_limiter&) = delete;

  /// True: the event is to be logged now. False: it is counted as left out.
  [[nodiscard]] bool admit() {
    const instant now = loop_.now();
    if (now >= until_) {
      flush();
      until_ = after(now, period);
      logged_ = 0;
    }
    if (logged_ == lines_per_period) {
      if (left_out_++ == 0) period_over_.set(until_);
      return false;
    }
    ++logged_;
    return true;
  }

  /// Logs what was left out and not yet said.
  void flush() {
    period_over_.clear();
    if (left_out_ == 0) return;
    log::warning("left_out", "events of this kind were counted and not logged",
                 {{"of", event_}, {key_, name_}, {"left_out", std::exchange(left_out_, 0)}});
  }

 private:
  loop::event_loop& loop_;
  std::string_view event_;
  std::string_view key_;
  const std::string& name_;
  instant until_{instant::min()};
  std::uint32_t logged_{0};
  std::uint64_t left_out_{0};
  loop::deadline period_over_;
};

}  // namespace millrace::workload
