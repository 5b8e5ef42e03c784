#include <algorithm>
#include <millrace/base/counters.hpp>
#include <millrace/base/result.hpp>
#include <stdexcept>
#include <string>

#include "support/catch.hpp"

using namespace millrace;

TEST_CASE("the fine bounds contain all exported ones, so that folding is exact") {
  const auto fine = histogram_bounds::fine().upper();
  CHECK(fine.front() == microseconds{10});
  CHECK(fine.back() == minutes{10});
  CHECK(std::ranges::is_sorted(fine));
  for (const auto bound : histogram_bounds::exported()) {
    CAPTURE(bound.count());
    CHECK(std::ranges::binary_search(fine, bound));
  }
  CHECK(histogram_bounds::exported().front() == microseconds{10});
  CHECK(histogram_bounds::exported().back() == minutes{10});
}

TEST_CASE("the fine bounds are at most a tenth apart") {
  const auto fine = histogram_bounds::fine().upper();
  for (std::size_t i = 1; i < fine.size(); ++i) {
    REQUIRE(fine[i] > fine[i - 1]);
    REQUIRE((fine[i] - fine[i - 1]) * 10 <= fine[i - 1]);
  }
}

TEST_CASE("a value falls into the first bucket whose bound is not below it") {
  const auto& bounds = histogram_bounds::fine();
  const auto upper = bounds.upper();
  CHECK(bounds.index_of(nanoseconds{0}) == 0);
  CHECK(bounds.index_of(nanoseconds{-5}) == 0);
  CHECK(bounds.index_of(hours{1}) == upper.size());
  CHECK(bounds.index_of(duration::max()) == upper.size());
  for (std::size_t i = 0; i < upper.size(); ++i) {
    REQUIRE(bounds.index_of(upper[i]) == i);
    REQUIRE(bounds.index_of(upper[i] - nanoseconds{1}) == i);
    REQUIRE(bounds.index_of(upper[i] + nanoseconds{1}) == i + 1);
  }
}

TEST_CASE("a histogram counts, adds up, and can be merged") {
  histogram one;
  one.observe(milliseconds{1});
  one.observe(milliseconds{3}, 2);
  histogram other;
  other.observe(hours{1});
  other.merge(one);
  CHECK(other.count() == 4);
  CHECK(other.sum() == hours{1} + milliseconds{7});
  CHECK(other.counts().back() == 1);
}

TEST_CASE("quantiles are right within their bucket, and zero when nothing was seen") {
  histogram times;
  CHECK(times.quantile(0.5) == duration::zero());
  for (int ms = 1; ms <= 100; ++ms) times.observe(milliseconds{ms});
  CHECK(in_seconds(times.quantile(0.5)) == Approx(0.050).epsilon(0.06));
  CHECK(in_seconds(times.quantile(0.99)) == Approx(0.099).epsilon(0.06));
  CHECK(times.quantile(0.0) <= milliseconds{1});
  times.observe(hours{10});
  CHECK(times.quantile(1.0) == minutes{10});
}

TEST_CASE("a failed result that is taken for a value says why") {
  const result<int> failed{error{errc::refused, "full"}};
  try {
    static_cast<void>(failed.value());
    FAIL("no exception");
  } catch (const std::runtime_error& thrown) {
    CHECK(std::string{thrown.what()}.starts_with("refused: full"));
  }
}

TEST_CASE("a histogram of jobs that waited for centuries stops at the longest duration") {
  histogram times;
  times.observe(duration::max());
  times.observe(duration::max(), 3);
  CHECK(times.sum() == duration::max());
  CHECK(times.count() == 4);
  histogram other;
  other.observe(seconds{1});
  other.merge(times);
  CHECK(other.sum() == duration::max());
}
