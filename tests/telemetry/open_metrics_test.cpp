#include <string>
#include <vector>

#include "support/catch.hpp"
#include "telemetry/exposition.hpp"

using namespace millrace;
using telemetry::exposition;
using telemetry::family_kind;
using telemetry::page_format;
using telemetry::shown_buckets;

TEST_CASE("in OpenMetrics a counter's family has no _total, and the page ends with EOF") {
  const shown_buckets buckets;
  exposition page{buckets, page_format::open_metrics};
  page.family(family_kind::counter, "jobs_total", "Jobs.");
  page.sample({{"queue", "numbers"}, {"outcome", "ok"}}, std::uint64_t{1'234'567'890'123});
  page.family(family_kind::gauge, "age_seconds", "Age.");
  page.sample({}, duration{milliseconds{1'500}});
  page.family(family_kind::gauge, "nothing", "Not shown, since it has no samples.");
  const auto text = std::move(page).text();
  CHECK(text ==
        "# HELP jobs Jobs.\n"
        "# TYPE jobs counter\n"
        "jobs_total{queue=\"numbers\",outcome=\"ok\"} 1234567890123\n"
        "# HELP age_seconds Age.\n"
        "# TYPE age_seconds gauge\n"
        "age_seconds 1.5\n"
        "# EOF\n");
}

TEST_CASE("in OpenMetrics a histogram has its buckets first, with bounds as floating point numbers") {
  const std::vector<duration> bounds{microseconds{10}, microseconds{100}, milliseconds{1}, seconds{1}, minutes{10}};
  const shown_buckets buckets{bounds};
  histogram seen;
  seen.observe(microseconds{20});
  seen.observe(milliseconds{500}, 2);
  telemetry::folded_histogram folded;
  folded.add(seen, buckets);
  exposition page{buckets, page_format::open_metrics};
  page.family(family_kind::histogram, "wait_seconds", "Wait.");
  page.sample({{"queue", "numbers"}}, folded);
  page.family(family_kind::histogram, "sizes", "Sizes.");
  const std::vector<std::uint64_t> upper{1, 10}, counts{1, 0, 2};
  page.sample({}, upper, counts, 900);
  const auto text = std::move(page).text();
  CHECK(text ==
        "# HELP wait_seconds Wait.\n"
        "# TYPE wait_seconds histogram\n"
        "wait_seconds_bucket{queue=\"numbers\",le=\"1e-05\"} 0\n"
        "wait_seconds_bucket{queue=\"numbers\",le=\"0.0001\"} 1\n"
        "wait_seconds_bucket{queue=\"numbers\",le=\"0.001\"} 1\n"
        "wait_seconds_bucket{queue=\"numbers\",le=\"1.0\"} 3\n"
        "wait_seconds_bucket{queue=\"numbers\",le=\"600.0\"} 3\n"
        "wait_seconds_bucket{queue=\"numbers\",le=\"+Inf\"} 3\n"
        "wait_seconds_count{queue=\"numbers\"} 3\n"
        "wait_seconds_sum{queue=\"numbers\"} 1.00002\n"
        "# HELP sizes Sizes.\n"
        "# TYPE sizes histogram\n"
        "sizes_bucket{le=\"1.0\"} 1\n"
        "sizes_bucket{le=\"10.0\"} 1\n"
        "sizes_bucket{le=\"+Inf\"} 3\n"
        "sizes_count 3\n"
        "sizes_sum 900\n"
        "# EOF\n");
}

TEST_CASE("in OpenMetrics quotes, backslashes and newlines are escaped in labels and help texts") {
  const shown_buckets buckets;
  exposition page{buckets, page_format::open_metrics};
  page.family(family_kind::gauge, "odd", "\"Odd\"\n\\.");
  page.sample({{"task", "a\"b\\c\nd"}}, 1.0);
  const auto text = std::move(page).text();
  CHECK(text ==
        "# HELP odd \\\"Odd\\\"\\n\\\\.\n"
        "# TYPE odd gauge\n"
        "odd{task=\"a\\\"b\\\\c\\nd\"} 1\n"
        "# EOF\n");
}
