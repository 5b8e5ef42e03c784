#include "telemetry/queue_metrics.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "telemetry/scraped_engine.hpp"

using namespace millrace;
using telemetry::queue_copy;
using telemetry::queue_row;
using testing::has_line;
using testing::scraped_engine;
using testing::text_of;

namespace {

constexpr instant start = testing::put_time;
const std::size_t rows_max = engine::engine_options{}.queue_rows_max;

const queue_row* row(const queue_copy& of, const std::string& name) {
  const auto found = std::ranges::find(of.rows, name, &queue_row::name);
  return found == of.rows.end() ? nullptr : &*found;
}

}  // namespace

TEST_CASE("each queue has a row, and the other queues share one") {
  scraped_engine fixture;
  const auto numbers = fixture.declare("numbers");
  fixture.put(numbers, 3);
  const auto text = text_of(fixture.copy());
  CHECK(has_line(text, R"(millrace_queue_jobs{queue="numbers",state="ready"} 3)"));
  CHECK(has_line(text, R"(millrace_queue_bytes{queue="numbers",state="ready"} 9)"));
  CHECK(has_line(text, R"(millrace_jobs_put_total{queue="numbers"} 3)"));
  CHECK(has_line(text, R"(millrace_jobs_put_total{queue="__other__"} 0)"));
}

TEST_CASE("the age of the oldest job is 0 without a job and grows with one") {
  scraped_engine fixture;
  const auto numbers = fixture.declare("numbers");
  auto copied = fixture.copy();
  copied.at = start + seconds{5};
  CHECK(has_line(text_of(copied), R"(millrace_queue_oldest_job_age_seconds{queue="numbers",state="ready"} 0)"));
  fixture.put(numbers);
  copied = fixture.copy();
  copied.at = start + seconds{5};
  CHECK(has_line(text_of(copied), R"(millrace_queue_oldest_job_age_seconds{queue="numbers",state="ready"} 5)"));
}

TEST_CASE("queues beyond the first 200 share one row") {
  scraped_engine fixture;
  std::vector<queue_id> queues;
  for (std::size_t i = 0; i < rows_max + 50; ++i) {
    queues.push_back(fixture.declare("queue" + std::to_string(i)));
    fixture.put(queues.back());
  }
  const auto copied = fixture.copy();
  REQUIRE(copied.rows.size() == rows_max + 1);
  CHECK(row(copied, "queue199") != nullptr);
  CHECK(row(copied, "queue200") == nullptr);
  CHECK(row(copied, "__other__")->counts.puts.value() == 50);
  CHECK(row(copied, "__other__")->levels.ready == 50);
  CHECK(row(copied, "__other__")->levels.ready_bytes == 150);
}

TEST_CASE("other tasks run while many queues are added up") {
  scraped_engine fixture;
  for (int i = 0; i < 5'000; ++i) fixture.put(fixture.declare("queue" + std::to_string(i)));
  queue_copy copied;
  fixture.tasks.spawn("copy", scraped_engine::copy_into(fixture.metrics, fixture.loop, fixture.engine, copied));
  CHECK(fixture.loop.run_ready() >= 5'000 / telemetry::queue_metrics::slice_queues);
  CHECK(row(copied, "__other__")->counts.puts.value() == 5'000 - rows_max);
}

TEST_CASE("a queue with the name of the shared row has no row of its own") {
  scraped_engine fixture;
  fixture.put(fixture.declare("__other__"), 2);
  const auto copied = fixture.copy();
  REQUIRE(copied.rows.size() == 1);
  CHECK(copied.rows[0].counts.puts.value() == 2);
}

namespace {

/// Queues of clients: each exists while a session uses fixture.
struct passing_queues {
  scraped_engine fixture{{.queue_rows_max = 20, .metrics_linger = seconds{10}}};
  instant now = fixture.loop.now();

  void pass(duration time) {
    fixture.loop.advance(time);
    now = fixture.loop.now();
  }
  /// Puts and deletes `jobs` jobs in a queue that exists for that long.
  void use(const std::string& name, int jobs) {
    fixture.engine.advance(now);
    const auto user = fixture.engine.open_session();
    const auto queue = fixture.engine.use(user, name).value();
    for (int i = 0; i < jobs; ++i) {
      const auto put = fixture.engine.put(user, queue, {.content = body{"abc"}}, now);
      REQUIRE(fixture.engine.erase(user, put.job, now));
    }
    REQUIRE(fixture.engine.close_session(user, now));
    REQUIRE_FALSE(fixture.engine.find(name));
  }
  queue_copy copy() { return fixture.copy(); }
  static std::uint64_t puts(const queue_copy& copied, const std::string& name) {
    const auto* const found = row(copied, name);
    return found == nullptr ? 0 : found->counts.puts.value();
  }
};

}  // namespace

TEST_CASE("a queue that is created again continues its row and is not in the shared row") {
  passing_queues fixture;
  fixture.use("mail", 3'000);
  CHECK(fixture.puts(fixture.copy(), "mail") == 3'000);
  fixture.pass(seconds{9});
  fixture.use("mail", 3'000);
  const auto copied = fixture.copy();
  CHECK(fixture.puts(copied, "mail") == 6'000);
  CHECK(fixture.puts(copied, "__other__") == 0);
}

TEST_CASE("the row of a removed queue stays for metrics_linger") {
  passing_queues fixture;
  fixture.use("mail", 1);
  fixture.pass(seconds{10} - duration{1});
  CHECK(fixture.puts(fixture.copy(), "mail") == 1);
  fixture.pass(duration{1});
  CHECK(row(fixture.copy(), "mail") == nullptr);
  fixture.use("mail", 1);
  CHECK(fixture.puts(fixture.copy(), "mail") == 1);
}

TEST_CASE("each put is counted in one series, which never decreases while queues are created and removed") {
  passing_queues fixture;
  std::mt19937_64 random{std::random_device{}()};
  std::map<std::string, std::uint64_t> seen;
  std::uint64_t increases = 0;
  std::uint64_t all = 0;
  for (int step = 0; step < 3'000; ++step) {
    const auto name = "queue" + std::to_string(random() % 60);
    const auto jobs = static_cast<int>(random() % 3);
    fixture.use(name, jobs);
    all += static_cast<std::uint64_t>(jobs);
    if (random() % 4 == 0) fixture.pass(milliseconds{static_cast<int>(random() % 3'000)});
    std::map<std::string, std::uint64_t> page;
    for (const auto& one : fixture.copy().rows) page[one.name] = one.counts.puts.value();
    for (const auto& [series, value] : page) {
      const auto before = seen.find(series);
      if (before != seen.end()) REQUIRE(value >= before->second);
      increases += value - (before == seen.end() ? 0 : before->second);
    }
    seen = std::move(page);
    REQUIRE(increases == all);
  }
}

TEST_CASE("histograms are in the row of their queue, or in the shared row") {
  scraped_engine fixture{{.queue_rows_max = 1}};
  const auto timed = fixture.declare("timed");
  const auto untimed = fixture.declare("untimed");
  fixture.put(timed);
  fixture.put(untimed, 2);
  fixture.engine.watch(fixture.session, "timed").value();
  fixture.engine.watch(fixture.session, "untimed").value();
  for (int i = 0; i < 3; ++i) {
    const auto got = fixture.engine.reserve(fixture.session, engine::lease::unlimited, start, start + milliseconds{3});
    REQUIRE(got.status == engine::reserve_status::reserved);
  }
  const auto text = text_of(fixture.copy());
  CHECK(has_line(text, R"(millrace_job_wait_seconds_count{queue="timed"} 1)"));
  CHECK(has_line(text, R"(millrace_job_wait_seconds_bucket{queue="timed",le="0.001"} 0)"));
  CHECK(has_line(text, R"(millrace_job_wait_seconds_bucket{queue="timed",le="0.01"} 1)"));
  CHECK(has_line(text, R"(millrace_job_wait_seconds_count{queue="__other__"} 2)"));
  CHECK(text.find(R"(millrace_job_wait_seconds_count{queue="untimed"})") == std::string::npos);
}

TEST_CASE("a paused queue has the value 1") {
  scraped_engine fixture;
  const auto numbers = fixture.declare("numbers");
  fixture.engine.pause(numbers, hours{100'000}, instant{}).value();
  CHECK(has_line(text_of(fixture.copy()), R"(millrace_queue_paused{queue="numbers"} 1)"));
}

TEST_CASE("a queue shows its limits while it exists, and the shared row has none") {
  passing_queues fixture;
  fixture.fixture.engine.declare("small", {.max_jobs = 7, .max_bytes = 900}).value();
  fixture.use("mail", 1);
  const auto text = text_of(fixture.copy());
  CHECK(has_line(text, R"(millrace_queue_limit_jobs{queue="small"} 7)"));
  CHECK(has_line(text, R"(millrace_queue_limit_bytes{queue="small"} 900)"));
  CHECK(has_line(text, R"(millrace_jobs_put_total{queue="mail"} 1)"));
  CHECK(text.find(R"(millrace_queue_limit_jobs{queue="mail"})") == std::string::npos);
  CHECK(text.find(R"(millrace_queue_limit_jobs{queue="__other__"})") == std::string::npos);
}

TEST_CASE("puts that wait for capacity are shown at their queue") {
  scraped_engine fixture;
  const auto full = fixture.engine.declare("full", {.max_jobs = 1}).value();
  fixture.put(full);
  for (int i = 0; i < 2; ++i) fixture.engine.put(fixture.engine.open_session(), full, {.content = body{"abc"}}, start);
  CHECK(has_line(text_of(fixture.copy()), R"(millrace_queue_waiting_puts{queue="full"} 2)"));
}
