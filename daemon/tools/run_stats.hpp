#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <millrace/base/time.hpp>

#include "tools/latencies.hpp"

namespace millrace::tools {

/// Statistics of one run. In a closed loop only replies that arrive between `from` and `until` count, in an open loop
/// only replies to commands that were due then. Earlier ones belong to the warm-up, later ones to the end of the run.
/// Used by one thread.
struct run_stats {
  enum kind : std::size_t { put, reserve, remove, kinds };
  static constexpr std::array<std::string_view, kinds> names{"put", "reserve", "delete"};

  instant from{};
  instant until{never};
  std::array<latencies, kinds> commands;
  latencies jobs;            ///< put → reserved; in an open loop from the instant at which the put was due
  latencies lag;             ///< open loop: how late puts were sent
  instant last{};            ///< when the last reply that counts arrived
  std::uint64_t asked{0};    ///< commands sent; in an open loop without reserves, which wait for as long as it takes
  std::uint64_t answers{0};  ///< replies to the commands in `asked`, those of the warm-up included

  [[nodiscard]] bool counts(instant when) const noexcept { return when >= from && when < until; }
  /// Closed loop: a reply counts when it arrives in the measured time.
  void answered(kind command, duration took, std::uint64_t times, instant now) noexcept {
    answered_late(command, took, times, now, now);
  }
  /// Open loop: a reply counts when its command was due in the measured time, so that slow replies are not left out.
  void answered_late(kind command, duration took, std::uint64_t times, instant now, instant due) noexcept {
    answers += times;
    if (!counts(due)) return;
    commands[command].note(took, times);
    last = now;
  }

  [[nodiscard]] std::uint64_t commands_counted() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& each : commands) sum += each.count();
    return sum;
  }
  /// The length of the measured time.
  [[nodiscard]] duration measured() const noexcept {
    const instant end = until == never ? last : std::max(until, last);
    return end > from ? end - from : duration::zero();
  }
};

}  // namespace millrace::tools
