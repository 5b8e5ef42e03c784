#pragma once

#include <chrono>
#include <cstdint>

namespace millrace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

/// A length of time: nanoseconds, signed, up to 292 years.
using duration = std::chrono::nanoseconds;

/// A point on the steady clock, for timers and leases. It does not move when the wall clock is set.
/// Functions take the time as a parameter; the loop reads the clock once a turn.
using instant = std::chrono::time_point<std::chrono::steady_clock, duration>;

/// A point on the wall clock: only for text for users and for data that outlives the process.
using wall_time = std::chrono::time_point<std::chrono::system_clock, duration>;

/// Later than every other instant. Sums and differences with it are `never` again.
inline constexpr instant never = instant::max();

// Saturating arithmetic: a result that does not fit becomes the nearest value that does. Use it for every time from
// outside the process (data files, the protocol, settings, the wall clock). Instants may be negative: the steady clock
// starts when the machine boots, and jobs can be older than that.

[[nodiscard]] constexpr duration saturating_add(duration one, duration other) noexcept {
  duration::rep sum = 0;
  if (!__builtin_add_overflow(one.count(), other.count(), &sum)) return duration{sum};
  return other < duration::zero() ? duration::min() : duration::max();
}

[[nodiscard]] constexpr duration saturating_subtract(duration from, duration other) noexcept {
  duration::rep difference = 0;
  if (!__builtin_sub_overflow(from.count(), other.count(), &difference)) return duration{difference};
  return other < duration::zero() ? duration::max() : duration::min();
}

[[nodiscard]] constexpr duration saturating_multiply(duration length, std::uint64_t times) noexcept {
  duration::rep product = 0;
  if (!__builtin_mul_overflow(length.count(), times, &product)) return duration{product};
  return length < duration::zero() ? duration::min() : duration::max();
}

/// `when + length`; `never` stays `never`.
[[nodiscard]] constexpr instant saturating_add(instant when, duration length) noexcept {
  return when == never ? never : instant{saturating_add(when.time_since_epoch(), length)};
}

/// `when - length`; `never` stays `never`.
[[nodiscard]] constexpr instant saturating_subtract(instant when, duration length) noexcept {
  return when == never ? never : instant{saturating_subtract(when.time_since_epoch(), length)};
}

/// From `begin` to `end`; negative when `end` is earlier.
[[nodiscard]] constexpr duration time_between(instant begin, instant end) noexcept {
  return saturating_subtract(end.time_since_epoch(), begin.time_since_epoch());
}

/// The time since `begin`; zero when it is in the future.
[[nodiscard]] constexpr duration age(instant begin, instant now) noexcept {
  return begin < now ? time_between(begin, now) : duration::zero();
}

/// `now + wait`, at most `never`. A negative `wait` counts as zero.
[[nodiscard]] constexpr instant after(instant now, duration wait) noexcept {
  return wait <= duration::zero() ? now : saturating_add(now, wait);
}

/// Seconds as a floating point number, the unit of metrics.
[[nodiscard]] constexpr double in_seconds(duration length) noexcept {
  return std::chrono::duration<double>(length).count();
}

}  // namespace millrace
