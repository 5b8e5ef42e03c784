#include <millrace/base/time.hpp>

#include <array>

#include "support/catch.hpp"

using namespace millrace;

namespace {

constexpr duration longest = duration::max();
constexpr duration most_negative = duration::min();
constexpr duration tick{1};
constexpr instant first = instant::min();
constexpr instant boot{};

__extension__ using wide = __int128;

wide clamped(wide value) {
  if (value > wide{longest.count()}) return longest.count();
  return value < wide{most_negative.count()} ? wide{most_negative.count()} : value;
}

/// Both ends, the middle, and their neighbours.
constexpr std::array<duration::rep, 13> interesting{
    INT64_MIN, INT64_MIN + 1, INT64_MIN / 2 - 1, INT64_MIN / 2,     -8'000'000'000, -1,       0,
    1,         8'000'000'000, INT64_MAX / 2,     INT64_MAX / 2 + 1, INT64_MAX - 1,  INT64_MAX};

}  // namespace

TEST_CASE("sums and differences of durations are exact, or the nearest value that fits") {
  for (const auto one : interesting) {
    for (const auto other : interesting) {
      CHECK(wide{saturating_add(duration{one}, duration{other}).count()} == clamped(wide{one} + other));
      CHECK(wide{saturating_subtract(duration{one}, duration{other}).count()} == clamped(wide{one} - other));
    }
  }
}

TEST_CASE("products of durations saturate in both directions") {
  CHECK(saturating_multiply(seconds{3}, 4) == seconds{12});
  CHECK(saturating_multiply(seconds{-3}, 4) == seconds{-12});
  CHECK(saturating_multiply(longest, 2) == longest);
  CHECK(saturating_multiply(most_negative, 2) == most_negative);
  CHECK(saturating_multiply(most_negative, 1) == most_negative);
  CHECK(saturating_multiply(tick, UINT64_MAX) == longest);
  CHECK(saturating_multiply(longest, 0) == duration::zero());
}

TEST_CASE("instants saturate at both ends, and never stays never") {
  for (const auto one : interesting) {
    const instant when{duration{one}};
    if (when == never) continue;
    for (const auto other : interesting) {
      CHECK(wide{saturating_add(when, duration{other}).time_since_epoch().count()} == clamped(wide{one} + other));
      CHECK(wide{saturating_subtract(when, duration{other}).time_since_epoch().count()} == clamped(wide{one} - other));
    }
  }
  for (const auto length : {most_negative, -tick, duration::zero(), tick, longest}) {
    CHECK(saturating_add(never, length) == never);
    CHECK(saturating_subtract(never, length) == never);
  }
}

TEST_CASE("the time between two instants saturates in both directions") {
  for (const auto one : interesting) {
    for (const auto other : interesting) {
      CHECK(wide{time_between(instant{duration{one}}, instant{duration{other}}).count()} == clamped(wide{other} - one));
    }
  }
}

TEST_CASE("an age is never negative, and never longer than can be said") {
  CHECK(age(boot - seconds{5}, boot + seconds{5}) == seconds{10});
  CHECK(age(boot + seconds{5}, boot) == duration::zero());
  CHECK(age(first, boot) == longest);
  CHECK(age(first, never) == longest);
  CHECK(age(never, boot) == duration::zero());
  CHECK(age(never, never) == duration::zero());
}

TEST_CASE("a wait that begins before the boot ends when it should") {
  CHECK(after(boot - seconds{100}, seconds{8}) == boot - seconds{92});
  CHECK(after(boot - seconds{100}, seconds{108}) == boot + seconds{8});
  CHECK(after(first, longest) == instant{duration{-1}});
  CHECK(after(boot + tick, longest) == never);
  CHECK(after(boot, longest) == never);
  CHECK(after(never, seconds{1}) == never);
  CHECK(after(boot - seconds{1}, seconds{-5}) == boot - seconds{1});
}
