#pragma once

#include <chrono>

namespace millrace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

/// How long: nanoseconds, signed, up to 292 years.
using duration = std::chrono::nanoseconds;

/// When, on the steady clock: what timers and leases are measured in. A step of the wall clock moves no instant.
/// Time is a parameter everywhere but in the loop, which reads the clock once a turn.
using instant = std::chrono::time_point<std::chrono::steady_clock, duration>;

/// When, on the wall: only for what people read and what outlives the process.
using wall_time = std::chrono::time_point<std::chrono::system_clock, duration>;

/// Never: later than every instant that is reached.
inline constexpr instant never = instant::max();

/// `now + wait` that stops at `never` instead of wrapping around.
[[nodiscard]] constexpr instant after(instant now, duration wait) noexcept {
  if (wait <= duration::zero()) return now;
  return never - now > wait ? now + wait : never;
}

/// Seconds as the floating point number that metrics carry.
[[nodiscard]] constexpr double in_seconds(duration length) noexcept {
  return std::chrono::duration<double>(length).count();
}

}  // namespace millrace
