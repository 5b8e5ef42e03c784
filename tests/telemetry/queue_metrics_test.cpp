#include "telemetry/queue_metrics.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "loop/task_scope.hpp"
#include "support/catch.hpp"

using namespace millrace;
using telemetry::queue_copy;
using telemetry::queue_row;

namespace {

constexpr instant start{hours{1}};

/// An engine, and the metrics of its queues as successive scrapes see them.
class scraped_engine {
 public:
  explicit scraped_engine(engine::engine_options limits = {}) : engine{limits} {}

  queue_copy copy() {
    queue_copy copied;
    tasks.spawn("copy", copy_into(metrics, loop, engine, copied));
    loop.run_ready();
    REQUIRE(tasks.size() == 0);
    return copied;
  }
  queue_id declare(const std::string& name) { return engine.declare(name, {}).value(); }
  void put(queue_id queue, int jobs = 1) {
    for (int i = 0; i < jobs; ++i) engine.put(session, queue, {.content = body{"abc"}}, start);
  }

  static loop::awaitable<> copy_into(telemetry::queue_metrics& from, loop::event_loop& loop,
                                     const engine::engine& engine, queue_copy& into) {
    into = co_await from.copy(loop, engine);
  }

  loop::event_loop loop{loop::clock_kind::manual};
  loop::task_scope tasks{loop};
  engine::engine engine;
  telemetry::shown_buckets buckets;
  telemetry::queue_metrics metrics{buckets};
  session_id session{engine.open_session()};
};

const queue_row* row(const queue_copy& of, const std::string& name) {
  const auto found = std::ranges::find(of.rows, name, &queue_row::name);
  return found == of.rows.end() ? nullptr : &*found;
}

std::string text_of(const queue_copy& copied) {
  telemetry::exposition page{telemetry::shown_buckets{}};
  telemetry::write(page, copied);
  return std::move(page).text();
}

bool has_line(const std::string& text, const std::string& line) {
  return text.find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("each queue has a row, and all others together one") {
  scraped_engine it;
  const auto numbers = it.declare("numbers");
  it.put(numbers, 3);
  const auto text = text_of(it.copy());
  CHECK(has_line(text, R"(millrace_queue_jobs{queue="numbers",state="ready"} 3)"));
  CHECK(has_line(text, R"(millrace_queue_bytes{queue="numbers",state="ready"} 9)"));
  CHECK(has_line(text, R"(millrace_jobs_put_total{queue="numbers"} 3)"));
  CHECK(has_line(text, R"(millrace_jobs_put_total{queue="__other__"} 0)"));
}

TEST_CASE("outcomes and reasons are there from the start, as 0") {
  scraped_engine it;
  it.declare("numbers");
  const auto text = text_of(it.copy());
  for (const char* const outcome : {"ok", "failed", "timeout", "cancelled", "dropped", "deleted"})
    CHECK(has_line(text, "millrace_jobs_finished_total{queue=\"numbers\",outcome=\"" + std::string{outcome} + "\"} 0"));
  for (const char* const family : {"buried", "dead_lettered", "rejected"})
    for (const char* const reason :
         {"client", "failed", "timeout", "cancelled", "overflow", "output_full", "io_error", "draining"})
      CHECK(has_line(text,
                     "millrace_jobs_" + std::string{family} + "_total{queue=\"numbers\",reason=\"" + reason + "\"} 0"));
}

TEST_CASE("the age of the oldest job is 0 without one and grows while there is one") {
  scraped_engine it;
  const auto numbers = it.declare("numbers");
  auto copied = it.copy();
  copied.at = start + seconds{5};
  CHECK(has_line(text_of(copied), R"(millrace_queue_oldest_job_age_seconds{queue="numbers",state="ready"} 0)"));
  it.put(numbers);
  copied = it.copy();
  copied.at = start + seconds{5};
  CHECK(has_line(text_of(copied), R"(millrace_queue_oldest_job_age_seconds{queue="numbers",state="ready"} 5)"));
}

TEST_CASE("beyond 200 queues the rest is folded into one row") {
  scraped_engine it;
  std::vector<queue_id> queues;
  for (std::size_t i = 0; i < telemetry::named_queues_max + 50; ++i) {
    queues.push_back(it.declare("queue" + std::to_string(i)));
    it.put(queues.back());
  }
  const auto copied = it.copy();
  REQUIRE(copied.rows.size() == telemetry::named_queues_max + 1);
  CHECK(row(copied, "queue199") != nullptr);
  CHECK(row(copied, "queue200") == nullptr);
  CHECK(row(copied, "__other__")->counts.puts.value() == 50);
  CHECK(row(copied, "__other__")->levels.ready == 50);
  CHECK(row(copied, "__other__")->levels.ready_bytes == 150);
}

TEST_CASE("the fold of many queues lets others run in between") {
  scraped_engine it;
  for (int i = 0; i < 5'000; ++i) it.put(it.declare("queue" + std::to_string(i)));
  queue_copy copied;
  it.tasks.spawn("copy", scraped_engine::copy_into(it.metrics, it.loop, it.engine, copied));
  CHECK(it.loop.run_ready() >= 5'000 / telemetry::queue_metrics::slice_queues);
  CHECK(row(copied, "__other__")->counts.puts.value() == 5'000 - telemetry::named_queues_max);
}

TEST_CASE("a queue that is called as the fold is has no row of its own") {
  scraped_engine it;
  it.put(it.declare("__other__"), 2);
  const auto copied = it.copy();
  REQUIRE(copied.rows.size() == 1);
  CHECK(copied.rows[0].counts.puts.value() == 2);
}

TEST_CASE("no counter of the fold goes down when queues come and go") {
  scraped_engine it;
  // Queues that nobody declared vanish with their last user.
  std::vector<session_id> users;
  const auto come = [&](int count) {
    for (int i = 0; i < count; ++i) {
      users.push_back(it.engine.open_session());
      const auto queue = it.engine.use(users.back(), "queue" + std::to_string(users.size())).value();
      const auto put = it.engine.put(users.back(), queue, {.content = body{"abc"}}, start);
      it.engine.erase(users.back(), put.job, start);
    }
  };
  std::uint64_t total = 0;
  std::uint64_t other = 0;
  const auto scrape = [&] {
    const auto copied = it.copy();
    std::uint64_t all = 0;
    for (const auto& one : copied.rows) all += one.counts.puts.value();
    const auto folded = row(copied, "__other__")->counts.puts.value();
    CHECK(folded >= other);
    CHECK(all >= total);
    other = folded;
    total = all;
  };
  come(210);
  scrape();
  CHECK(total == 210);
  CHECK(other == 10);
  for (std::size_t i = 0; i < 30; ++i) it.engine.close_session(users[i], start);
  scrape();
  CHECK(total == 210);
  CHECK(other == 40);
  come(25);
  scrape();
  CHECK(total == 235);
  CHECK(other == 40);  // the free rows went to queues that came later
  for (std::size_t i = 205; i < 230; ++i) it.engine.close_session(users[i], start);
  scrape();
  CHECK(total == 235);
}

TEST_CASE("histograms are those of the queue, or in the fold for queues that have none of their own") {
  scraped_engine it{{.timed_queues_max = 1}};
  const auto timed = it.declare("timed");
  const auto untimed = it.declare("untimed");
  it.put(timed);
  it.put(untimed, 2);
  it.engine.watch(it.session, "timed").value();
  it.engine.watch(it.session, "untimed").value();
  for (int i = 0; i < 3; ++i) {
    const auto got = it.engine.reserve(it.session, engine::lease::unlimited, start, start + milliseconds{3});
    REQUIRE(got.status == engine::reserve_status::reserved);
  }
  const auto text = text_of(it.copy());
  CHECK(has_line(text, R"(millrace_job_wait_seconds_count{queue="timed"} 1)"));
  CHECK(has_line(text, R"(millrace_job_wait_seconds_bucket{queue="timed",le="0.002"} 0)"));
  CHECK(has_line(text, R"(millrace_job_wait_seconds_bucket{queue="timed",le="0.005"} 1)"));
  CHECK(has_line(text, R"(millrace_job_wait_seconds_count{queue="__other__"} 2)"));
  CHECK(text.find(R"(millrace_job_wait_seconds_count{queue="untimed"})") == std::string::npos);
}

TEST_CASE("a paused queue says so") {
  scraped_engine it;
  const auto numbers = it.declare("numbers");
  it.engine.pause(numbers, hours{100'000}, instant{}).value();
  CHECK(has_line(text_of(it.copy()), R"(millrace_queue_paused{queue="numbers"} 1)"));
}
