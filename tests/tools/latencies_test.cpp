#include "tools/latencies.hpp"

#include "support/catch.hpp"

using namespace millrace;
using tools::latencies;

namespace {

/// Within a step of the scale, above.
bool close_to(duration seen, duration meant) { return seen >= meant && seen <= meant + meant / 50; }

}  // namespace

TEST_CASE("of a hundred lengths of time each is its own percentile") {
  latencies seen;
  for (int at = 1; at <= 100; ++at) seen.note(milliseconds{at});
  CHECK(seen.count() == 100);
  CHECK(close_to(seen.quantile(0.5), milliseconds{50}));
  CHECK(close_to(seen.quantile(0.9), milliseconds{90}));
  CHECK(close_to(seen.quantile(0.99), milliseconds{99}));
  CHECK(seen.quantile(0.999) == milliseconds{100});
  CHECK(seen.quantile(1) == milliseconds{100});
  CHECK(seen.max() == milliseconds{100});
  CHECK(seen.mean() == microseconds{50'500});
}

TEST_CASE("one slow one in a thousand is p99.9's neighbour, not p99's") {
  latencies seen;
  seen.note(microseconds{10}, 999);
  seen.note(seconds{1});
  CHECK(close_to(seen.quantile(0.99), microseconds{10}));
  CHECK(close_to(seen.quantile(0.999), microseconds{10}));
  CHECK(seen.quantile(0.9991) == seconds{1});
}

TEST_CASE("short lengths are exact, and every length is within a fiftieth") {
  for (duration::rep ns = 1; ns < duration::rep{1} << 41; ns = ns * 21 / 20 + 1) {
    latencies seen;
    seen.note(nanoseconds{ns});
    seen.note(hours{1});  // so that the greatest does not round it down
    INFO(ns);
    if (ns < 64) {
      CHECK(seen.quantile(0.5) == nanoseconds{ns});
    } else {
      CHECK(close_to(seen.quantile(0.5), nanoseconds{ns}));
    }
  }
}

TEST_CASE("what is beyond the scale counts as its end, and nothing is below zero") {
  latencies seen;
  seen.note(-seconds{1});
  CHECK(seen.max() == duration::zero());
  seen.note(hours{100});
  CHECK(seen.count() == 2);
  CHECK(seen.max() > hours{1});
  CHECK(seen.quantile(1) == seen.max());
}

TEST_CASE("where nothing was seen all is zero") {
  const latencies none;
  CHECK(none.quantile(0.99) == duration::zero());
  CHECK(none.mean() == duration::zero());
}

TEST_CASE("merged latencies have the figures of one object that noted all lengths") {
  latencies one, other, both;
  for (int at = 1; at <= 1'000; ++at) {
    (at % 3 == 0 ? one : other).note(microseconds{at * at});
    both.note(microseconds{at * at});
  }
  one.merge(other);
  CHECK(one.count() == both.count());
  CHECK(one.mean() == both.mean());
  for (const double share : {0.0, 0.5, 0.99, 0.999, 1.0}) CHECK(one.quantile(share) == both.quantile(share));
}
