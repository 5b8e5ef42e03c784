#include "telemetry/exposition.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace millrace;
using telemetry::exposition;
using telemetry::family_kind;
using telemetry::folded_histogram;
using telemetry::shown_buckets;

TEST_CASE("counters and gauges are written with their help, type and labels") {
  const shown_buckets buckets;
  exposition page{buckets};
  page.family(family_kind::counter, "jobs_total", "Jobs.");
  page.sample({{"queue", "numbers"}, {"outcome", "ok"}}, std::uint64_t{3});
  page.sample({{"queue", "verdicts"}, {"outcome", "ok"}}, std::uint64_t{0});
  page.family(family_kind::gauge, "age_seconds", "Age.");
  page.sample({}, duration{milliseconds{1'500}});

  const auto text = std::move(page).text();
  CHECK(text ==
        "# HELP jobs_total Jobs.\n"
        "# TYPE jobs_total counter\n"
        "jobs_total{queue=\"numbers\",outcome=\"ok\"} 3\n"
        "jobs_total{queue=\"verdicts\",outcome=\"ok\"} 0\n"
        "# HELP age_seconds Age.\n"
        "# TYPE age_seconds gauge\n"
        "age_seconds 1.5\n");
}

TEST_CASE("quotes, backslashes and newlines in labels are escaped") {
  const shown_buckets buckets;
  exposition page{buckets};
  page.family(family_kind::gauge, "odd", "Odd.");
  page.sample({{"task", "a\"b\\c\nd"}}, 1.0);
  const auto text = std::move(page).text();
  CHECK(text ==
        "# HELP odd Odd.\n"
        "# TYPE odd gauge\n"
        "odd{task=\"a\\\"b\\\\c\\nd\"} 1\n");
}

TEST_CASE("a large counter is written without losing digits") {
  const shown_buckets buckets;
  exposition page{buckets};
  page.family(family_kind::counter, "large_total", "Large.");
  page.sample({}, std::uint64_t{1'234'567'890'123});
  CHECK_THAT(std::move(page).text(), Catch::Matchers::EndsWith("large_total 1234567890123\n"));
}

TEST_CASE("a family without samples is not written, but is in the list of names") {
  const shown_buckets buckets;
  exposition page{buckets};
  page.family(family_kind::gauge, "nothing", "Nothing.");
  page.family(family_kind::gauge, "something", "Something.");
  page.sample({}, 1.0);
  CHECK(page.names() == std::vector<std::string>{"nothing", "something"});
  const auto text = std::move(page).text();
  CHECK(text == "# HELP something Something.\n# TYPE something gauge\nsomething 1\n");
}

TEST_CASE("a histogram is written with cumulative counts and the chosen bounds") {
  const std::vector<duration> bounds{milliseconds{1}, milliseconds{10}, seconds{1}};
  const shown_buckets buckets{bounds};
  histogram seen;
  seen.observe(microseconds{20});
  seen.observe(milliseconds{1});
  seen.observe(milliseconds{5}, 2);
  seen.observe(seconds{30});

  folded_histogram folded;
  folded.add(seen, buckets);
  exposition page{buckets};
  page.family(family_kind::histogram, "wait_seconds", "Wait.");
  page.sample({{"queue", "numbers"}}, folded);
  const auto text = std::move(page).text();
  CHECK(text ==
        "# HELP wait_seconds Wait.\n"
        "# TYPE wait_seconds histogram\n"
        "wait_seconds_count{queue=\"numbers\"} 5\n"
        "wait_seconds_sum{queue=\"numbers\"} 30.01102\n"
        "wait_seconds_bucket{queue=\"numbers\",le=\"0.001\"} 2\n"
        "wait_seconds_bucket{queue=\"numbers\",le=\"0.01\"} 4\n"
        "wait_seconds_bucket{queue=\"numbers\",le=\"1\"} 4\n"
        "wait_seconds_bucket{queue=\"numbers\",le=\"+Inf\"} 5\n");
}

TEST_CASE("a histogram with bounds of its own is beside one with those of the page") {
  const std::vector<duration> few{seconds{1}};
  const shown_buckets own{few};
  const shown_buckets buckets;
  histogram seen;
  seen.observe(milliseconds{5});
  folded_histogram folded;
  folded.add(seen, own);
  exposition page{buckets};
  page.family(family_kind::histogram, "wait_seconds", "Wait.");
  page.sample({{"queue", "numbers"}}, folded, few);
  page.sample({{"queue", "none"}}, folded_histogram{});
  const auto text = std::move(page).text();
  CHECK(text.find("wait_seconds_bucket{queue=\"numbers\",le=\"1\"} 1\n"
                  "wait_seconds_bucket{queue=\"numbers\",le=\"+Inf\"} 1\n") != std::string::npos);
  CHECK(text.find("queue=\"numbers\",le=\"0.01\"") == std::string::npos);
  CHECK(text.find("queue=\"none\",le=\"0.01\"") != std::string::npos);
}

TEST_CASE("the default buckets are from 10 us to 10 min, about three per decade") {
  const shown_buckets buckets;
  const auto upper = buckets.upper();
  REQUIRE(upper.size() == histogram_bounds::exported().size());
  CHECK(upper.front() == microseconds{10});
  CHECK(upper.back() == minutes{10});
  CHECK(std::ranges::is_sorted(upper));
}

TEST_CASE("folding into the default buckets is exact") {
  const shown_buckets buckets;
  // Each value at a bound, a nanosecond below and a nanosecond above it.
  for (const auto bound : buckets.upper())
    for (const auto offset : {duration{-1}, duration{0}, duration{1}}) {
      histogram seen;
      seen.observe(bound + offset);
      folded_histogram folded;
      folded.add(seen, buckets);
      const auto expected = std::ranges::lower_bound(buckets.upper(), bound + offset) - buckets.upper().begin();
      REQUIRE(folded.counts[static_cast<std::size_t>(expected)] == 1);
      REQUIRE(std::accumulate(folded.counts.begin(), folded.counts.end(), std::uint64_t{0}) == 1);
    }
}

TEST_CASE("bounds of two significant digits give the counts of a naive histogram") {
  std::mt19937_64 random{std::random_device{}()};
  const auto known = histogram_bounds::fine().upper();
  for (int round = 0; round < 200; ++round) {
    std::vector<duration> wanted;
    std::ranges::sample(known, std::back_inserter(wanted), std::uniform_int_distribution{1, 40}(random), random);
    const shown_buckets buckets{wanted};
    histogram seen;
    std::vector<duration> values(500);
    for (auto& value : values) {
      // Half of the values stand at a bound or one nanosecond beside it.
      const auto near = wanted[random() % wanted.size()] + nanoseconds{static_cast<int>(random() % 3) - 1};
      value = random() % 2 == 0 ? near : duration{static_cast<duration::rep>(random() >> (random() % 44 + 20))};
      seen.observe(value);
    }
    folded_histogram folded;
    folded.add(seen, buckets);
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      below += folded.counts[i];
      CAPTURE(round, wanted[i].count());
      REQUIRE(static_cast<long>(below) == std::ranges::count_if(values, [&](duration v) { return v <= wanted[i]; }));
    }
    REQUIRE(below + folded.counts.back() == values.size());
  }
}

TEST_CASE("folded histograms can be added") {
  const shown_buckets buckets;
  histogram one, other;
  one.observe(milliseconds{3});
  other.observe(milliseconds{3}, 4);
  other.observe(hours{1});
  folded_histogram sum;
  sum.add(one, buckets);
  folded_histogram more;
  more.add(other, buckets);
  sum.add(more);
  CHECK(sum.count == 6);
  CHECK(sum.counts.back() == 1);
  CHECK(sum.sum == hours{1} + milliseconds{15});
}
