#include "engine/retry.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace millrace::engine {

namespace {

/// splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014): a bijection that spreads
/// neighbouring numbers over all 64 bits.
std::uint64_t mixed(std::uint64_t number) noexcept {
  number += 0x9E37'79B9'7F4A'7C15u;
  number = (number ^ (number >> 30)) * 0xBF58'476D'1CE4'E5B9u;
  number = (number ^ (number >> 27)) * 0x94D0'49BB'1331'11EBu;
  return number ^ (number >> 31);
}

/// 0 to 1, without 1: the upper 53 bits, as many as a double holds.
double fraction_of(job_id job, std::uint32_t failures) noexcept {
  return static_cast<double>(mixed(mixed(job.value()) + failures) >> 11) * 0x1p-53;
}

/// In nanoseconds, before limit and jitter. A double: no product of these overflows.
double backoff_of(const retry_options& options, std::uint32_t failures) noexcept {
  const auto first = static_cast<double>(options.first.count());
  switch (options.backoff) {
    case backoff::constant:
      return first;
    case backoff::linear:
      return first * failures;
    case backoff::exponential:
      if (failures == 1) return first;
      return std::ldexp(first, static_cast<int>(std::min(failures - 1, 1'000u)));
  }
  return first;
}

}  // namespace

std::optional<duration> wait_before_retry(const retry_options& options, job_id job, std::uint32_t failures) {
  assert(failures > 0);
  if (failures >= options.attempts) return std::nullopt;
  const double wait = std::min(backoff_of(options, failures), static_cast<double>(options.max.count()));
  const double factor = 1 - options.jitter + 2 * options.jitter * fraction_of(job, failures);
  // The options bound `max` by ten years, so that twice as much is a duration.
  return duration{std::llround(wait * factor)};
}

bool is_within(const retry_options& options, instant put_at, instant due) noexcept {
  return !options.within || due <= after(put_at, *options.within);
}

}  // namespace millrace::engine
