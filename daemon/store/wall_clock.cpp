#include "store/wall_clock.hpp"

#include <algorithm>

namespace millrace::store {

namespace {

constexpr int readings_most = 8;
constexpr duration close_enough = std::chrono::microseconds{1};

/// A time other than `never` must not become `never`.
std::int64_t before_never(duration time) noexcept { return std::min(time.count(), never_on_disk - 1); }

}  // namespace

duration read_wall_offset() noexcept {
  using steady = std::chrono::steady_clock;
  // Between two clocks the system may give the processor to somebody else: of some readings the closest is believed,
  // and of that one the greater offset, by which times on disk are late rather than early.
  duration closest = duration::max();
  duration offset{0};
  for (int n = 0; n < readings_most && closest > close_enough; ++n) {
    const auto before = steady::now();
    const auto wall = std::chrono::system_clock::now();
    const duration between = steady::now() - before;
    if (between >= closest) continue;
    closest = between;
    offset = std::chrono::duration_cast<duration>(wall.time_since_epoch()) - before.time_since_epoch();
  }
  return offset;
}

std::int64_t to_disk(instant when, duration wall_offset) noexcept {
  return when == never ? never_on_disk : before_never(saturating_add(when.time_since_epoch(), wall_offset));
}

instant from_disk(std::int64_t when, duration wall_offset) noexcept {
  return when == never_on_disk ? never
                               : instant{duration{before_never(saturating_subtract(duration{when}, wall_offset))}};
}

stopwatch::stopwatch() noexcept : begun_{std::chrono::steady_clock::now()} {}

duration stopwatch::elapsed() const noexcept { return std::chrono::steady_clock::now() - begun_; }

}  // namespace millrace::store
