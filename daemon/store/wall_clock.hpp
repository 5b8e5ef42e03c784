#pragma once

#include <cstdint>

#include <millrace/base/time.hpp>

namespace millrace::store {

/// How far the wall clock is ahead of the steady one. Read once a batch, so that the times of one batch fit each other;
/// a step of the wall clock moves what is written after it, and no live deadline.
[[nodiscard]] duration read_wall_offset() noexcept;

/// Times as they stand on disk: nanoseconds since 1970 by the wall clock. `never` stays never, whatever the offset.
inline constexpr std::int64_t never_on_disk = INT64_MAX;
[[nodiscard]] std::int64_t to_disk(instant when, duration wall_offset) noexcept;
[[nodiscard]] instant from_disk(std::int64_t when, duration wall_offset) noexcept;

/// Elapsed time on threads without a loop.
class stopwatch {
 public:
  stopwatch() noexcept;
  [[nodiscard]] duration elapsed() const noexcept;

 private:
  instant begun_;
};

}  // namespace millrace::store
