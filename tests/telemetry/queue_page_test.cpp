#include <map>
#include <string>
#include <utility>
#include <vector>

#include "telemetry/queue_metrics.hpp"
#include "telemetry/scraped_engine.hpp"

using namespace millrace;
using telemetry::queue_row;
using testing::has_line;
using testing::lines_of;
using testing::scraped_engine;
using testing::text_of;

namespace {

constexpr instant start = testing::put_time;
const std::size_t rows_max = engine::engine_options{}.queue_rows_max;

}  // namespace

TEST_CASE("a counter of a queue is shown from its first event on, and in the shared row always") {
  using counts = engine::queue_counts;
  const std::vector<std::pair<counter counts::*, std::string>> plain{
      {&counts::released, "released"},       {&counts::kicked, "kicked"},   {&counts::ttr_expired, "ttr_expired"},
      {&counts::interrupted, "interrupted"}, {&counts::retried, "retried"}, {&counts::postponed, "postponed"}};
  scraped_engine fixture;
  fixture.put(fixture.declare("numbers"));
  const auto before = text_of(fixture.copy());
  auto counted = fixture.copy();
  auto& row = counted.rows.front();
  for (const auto& [member, name] : plain) (row.counts.*member).add(7);
  row.counts.finished[static_cast<std::size_t>(engine::outcome::failed)].add(7);
  row.counts.buried[static_cast<std::size_t>(engine::reason::limit)].add(7);
  row.counts.dead_lettered[static_cast<std::size_t>(engine::reason::expired)].add(7);
  row.counts.rejected[static_cast<std::size_t>(engine::reason::output_full)].add(7);
  const auto after = text_of(counted);
  const auto is_shown = [&](const std::string& name, const std::string& label) {
    const auto series = "millrace_jobs_" + name + "_total{queue=\"numbers\"" + label + "} ";
    CAPTURE(series);
    CHECK(before.find("\n" + series) == std::string::npos);
    CHECK(has_line(after, series + "7"));
  };
  for (const auto& [member, name] : plain) {
    is_shown(name, "");
    CHECK(has_line(before, "millrace_jobs_" + name + "_total{queue=\"__other__\"} 0"));
  }
  is_shown("finished", ",outcome=\"failed\"");
  is_shown("buried", ",reason=\"limit\"");
  is_shown("dead_lettered", ",reason=\"expired\"");
  is_shown("rejected", ",reason=\"output_full\"");
  CHECK(after.find("outcome=\"later\"") == std::string::npos);
}

TEST_CASE("the shared row shows all outcomes, and the reasons that are possible, from the start") {
  scraped_engine fixture;
  const auto text = text_of(fixture.copy());
  for (const char* const outcome : {"ok", "failed", "timeout", "cancelled", "dropped", "deleted", "expired"})
    CHECK(
        has_line(text, "millrace_jobs_finished_total{queue=\"__other__\",outcome=\"" + std::string{outcome} + "\"} 0"));
  const std::map<std::string, std::vector<std::string>> reasons{
      {"buried",
       {"client", "failed", "timeout", "cancelled", "output_full", "io_error", "too_large", "no_space", "no_ids",
        "rejected", "undeliverable", "expired", "limit"}},
      {"dead_lettered",
       {"failed", "timeout", "cancelled", "output_full", "too_large", "no_space", "no_ids", "rejected", "undeliverable",
        "expired", "limit"}},
      {"rejected", {"overflow", "draining", "too_large", "no_space", "no_ids"}}};
  for (const auto& [family, possible] : reasons) {
    const auto prefix = "millrace_jobs_" + family + "_total{queue=\"__other__\",reason=\"";
    for (const auto& reason : possible) CHECK(has_line(text, prefix + reason + "\"} 0"));
    CHECK(lines_of(text, prefix) == possible.size());
  }
}

TEST_CASE("a queue shows the state ready, and others while it has jobs in them") {
  scraped_engine fixture;
  const auto numbers = fixture.declare("numbers");
  const auto lines = [&](const std::string& queue) {
    return lines_of(text_of(fixture.copy()), "millrace_queue_jobs{queue=\"" + queue + "\"");
  };
  CHECK(lines("numbers") == 1);
  CHECK(lines("__other__") == 4);
  fixture.put(numbers, 2);
  CHECK(lines("numbers") == 1);
  fixture.engine.watch(fixture.session, "numbers").value();
  const auto got = fixture.engine.reserve(fixture.session, engine::lease::unlimited, start, start);
  REQUIRE(got.status == engine::reserve_status::reserved);
  CHECK(lines("numbers") == 2);
  const auto text = text_of(fixture.copy());
  for (const auto* const family : {"jobs", "bytes", "oldest_job_age_seconds"}) {
    CAPTURE(family);
    const auto prefix = "millrace_queue_" + std::string{family} + "{queue=\"numbers\",state=\"";
    CHECK(lines_of(text, prefix) == 2);
    CHECK(lines_of(text, prefix + "reserved\"} ") == 1);
  }
}

TEST_CASE("a queue that never had a job shows its levels and puts only") {
  scraped_engine fixture;
  fixture.declare("numbers");
  const auto text = text_of(fixture.copy());
  CHECK(has_line(text, R"(millrace_queue_jobs{queue="numbers",state="ready"} 0)"));
  CHECK(has_line(text, R"(millrace_jobs_put_total{queue="numbers"} 0)"));
  for (const auto* const family : {"jobs_reserved_total", "jobs_finished_total", "jobs_rejected_total",
                                   "jobs_buried_total", "jobs_dead_lettered_total", "job_wait_seconds_count"}) {
    CAPTURE(family);
    CHECK(lines_of(text, "millrace_" + std::string{family} + "{queue=\"numbers\"") == 0);
    CHECK(lines_of(text, "millrace_" + std::string{family} + "{queue=\"__other__\"") > 0);
  }
}

TEST_CASE("a page of 200 queues that are in use takes less than 600 kB") {
  scraped_engine fixture;
  for (std::size_t i = 0; i < rows_max; ++i) {
    const auto queue = fixture.declare("queue-" + std::to_string(i));
    fixture.put(queue, 3);
    fixture.engine.watch(fixture.session, "queue-" + std::to_string(i)).value();
  }
  for (std::size_t i = 0; i < rows_max; ++i) {
    const auto got = fixture.engine.reserve(fixture.session, engine::lease::unlimited, start, start);
    REQUIRE(got.status == engine::reserve_status::reserved);
  }
  auto copied = fixture.copy();
  histogram seen;
  for (int ms = 1; ms < 1'000'000; ms *= 2) seen.observe(milliseconds{ms});
  for (auto& row : copied.rows) {
    for (auto* const times : {&row.wait, &row.service, &row.end_to_end}) times->add(seen, fixture.buckets);
    row.counts.finished[static_cast<std::size_t>(engine::outcome::ok)].add(1'000'000);
    row.counts.reserved.add(1'000'000);
  }
  CHECK(text_of(copied).size() < 600'000);
}

TEST_CASE("a queue whose jobs were recovered shows that none was reserved") {
  queue_row recovered;
  recovered.name = "numbers";
  recovered.levels.ready = 2;
  CHECK(has_line(text_of({{}, {recovered}, {}}), R"(millrace_jobs_reserved_total{queue="numbers"} 0)"));
}

TEST_CASE("a histogram that counted has all buckets, so that it can be added to those of other queues") {
  queue_row numbers;
  numbers.name = "numbers";
  histogram seen;
  seen.observe(milliseconds{3});
  const telemetry::shown_buckets buckets;
  numbers.wait.add(seen, buckets);
  numbers.service.add(histogram{}, buckets);
  const auto text = text_of({{}, {numbers}, {buckets.upper().begin(), buckets.upper().end()}});
  CHECK(lines_of(text, "millrace_job_wait_seconds_bucket{queue=\"numbers\"") == buckets.upper().size() + 1);
  CHECK(text.find("\nmillrace_job_service_seconds") == std::string::npos);
}
