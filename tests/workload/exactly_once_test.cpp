#include <cstdint>
#include <map>

#include "support/catch.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using testing::workload_fixture;

namespace {

constexpr std::uint64_t each = 2'000;

void expect_every_item_once(const workload_fixture& fixture, unsigned producers) {
  std::map<std::string, unsigned> times;
  for (const auto& one : fixture.seen) ++times[one];
  CHECK(fixture.seen.size() == producers * each);
  CHECK(times.size() == each);
  for (const auto& [item, seen] : times) {
    if (seen != producers) FAIL_CHECK(item << " was seen " << seen << " times");
  }
}

}  // namespace

TEST_CASE("several producers and consumers on one bounded queue: every item exactly once") {
  workload_fixture fixture;
  fixture.queue("numbers", {.max_jobs = 7});
  for (const auto* const name : {"p1", "p2", "p3"})
    fixture.producer(name, {.queue = "numbers"}, testing::numbers_to(each));
  fixture.consumer("quick", {.queue = {"numbers"}, .concurrency = 2}, testing::quick_kind(fixture.note()));
  fixture.consumer("slow", {.queue = {"numbers"}, .concurrency = 5},
                   testing::waiting_kind(milliseconds{1}, fixture.note()));
  fixture.watch_idle();
  fixture.start();
  while (!fixture.idle) fixture.loop.advance(milliseconds{1});

  expect_every_item_once(fixture, 3);
  CHECK(fixture.levels("numbers").jobs() == 0);
}

TEST_CASE("through several queues, on threads, with a bounded queue between: every item exactly once") {
  workload_fixture fixture{{}, loop::clock_kind::real};
  fixture.queue("numbers", {.max_jobs = 16});
  fixture.queue("between", {.max_jobs = 3});
  fixture.producer("p1", {.queue = "numbers"}, testing::numbers_to(each));
  fixture.producer("p2", {.queue = "numbers"}, testing::numbers_to(each));
  fixture.consumer("copy", {.queue = {"numbers"}, .concurrency = 8, .output = "between"},
                   testing::waiting_kind({}, [](const auto&) { return std::nullopt; }));
  fixture.consumer(
      "count", {.queue = {"between"}, .run_on = offload::execution_site::threads, .concurrency = 8, .output = "done"},
      testing::computing_kind());
  fixture.consumer("note", {.queue = {"done"}}, testing::quick_kind(fixture.note()));
  fixture.run_until_idle();

  CHECK(fixture.seen.size() == 2 * each);
  CHECK(fixture.outcomes(0, engine::outcome::ok) == 2 * each);
  CHECK(fixture.outcomes(1, engine::outcome::ok) == 2 * each);
  CHECK(fixture.broker.engine().job_count() == 0);
}
