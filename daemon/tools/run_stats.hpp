#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <millrace/base/time.hpp>

#include "tools/latencies.hpp"

namespace millrace::tools {

/// What is measured of one run: what was answered between the two instants, and how long it took. Whatever is answered before or after them counts
/// as warming up or running out.
struct tally {
  enum kind : std::size_t { put, reserve, remove, kinds };
  static constexpr std::array<std::string_view, kinds> names{"put", "reserve", "delete"};

  instant from{};
  instant until{never};
  std::array<latencies, kinds> commands;
  latencies jobs;  ///< put → reserved; in an open loop from the instant at which the put was due
  latencies lag;   ///< open loop: how late puts were sent
  instant last{};  ///< the last answer that counts
  std::uint64_t asked{
      0};  ///< commands sent, for those who watch; a reserve that waits for a job is not one until it is answered
  std::uint64_t answers{0};  ///< all of them

  [[nodiscard]] bool counts(instant when) const noexcept { return when >= from && when < until; }
  /// Closed loop: what was answered in the time of measuring counts.
  void answered(kind what, duration took, std::uint64_t times, instant now) noexcept {
    answered_late(what, took, times, now, now);
  }
  /// Open loop: what was due in the time of measuring counts, however late the answer: the slow ones are not left out.
  void answered_late(kind what, duration took, std::uint64_t times, instant now, instant due) noexcept {
    answers += times;
    if (!counts(due)) return;
    commands[what].note(took, times);
    last = now;
  }

  [[nodiscard]] std::uint64_t commands_counted() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& each : commands) sum += each.count();
    return sum;
  }
  /// The time over which it was counted.
  [[nodiscard]] duration measured() const noexcept {
    const instant end = until == never ? last : std::max(until, last);
    return end > from ? end - from : duration::zero();
  }
};

}  // namespace millrace::tools
