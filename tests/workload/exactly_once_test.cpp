#include <cstdint>
#include <map>

#include "support/catch.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using testing::workload_fixture;

namespace {

constexpr std::uint64_t each = 2'000;

void expect_every_item_once(const workload_fixture& at, unsigned producers) {
  std::map<std::string, unsigned> times;
  for (const auto& one : at.seen) ++times[one];
  CHECK(at.seen.size() == producers * each);
  CHECK(times.size() == each);
  for (const auto& [item, seen] : times) {
    if (seen != producers) FAIL_CHECK(item << " was seen " << seen << " times");
  }
}

}  // namespace

TEST_CASE("several producers and consumers on one bounded queue: every item exactly once") {
  workload_fixture at;
  at.queue("numbers", {.max_jobs = 7});
  for (const auto* const name : {"p1", "p2", "p3"}) at.producer(name, {.queue = "numbers"}, testing::numbers_to(each));
  at.consumer("quick", {.queue = {"numbers"}, .concurrency = 2}, testing::quick_kind(at.note()));
  at.consumer("slow", {.queue = {"numbers"}, .concurrency = 5}, testing::waiting_kind(milliseconds{1}, at.note()));
  at.watch_idle();
  at.start();
  while (!at.idle) at.loop.advance(milliseconds{1});

  expect_every_item_once(at, 3);
  CHECK(at.levels("numbers").jobs() == 0);
}

TEST_CASE("through several queues, on threads, with a bounded queue between: every item exactly once") {
  workload_fixture at{{}, loop::clock_kind::real};
  at.queue("numbers", {.max_jobs = 16});
  at.queue("between", {.max_jobs = 3});
  at.producer("p1", {.queue = "numbers"}, testing::numbers_to(each));
  at.producer("p2", {.queue = "numbers"}, testing::numbers_to(each));
  at.consumer("copy", {.queue = {"numbers"}, .concurrency = 8, .output = "between"},
              testing::waiting_kind({}, [](const auto&) { return std::nullopt; }));
  at.consumer("count",
              {.queue = {"between"}, .run_on = offload::execution_site::threads, .concurrency = 8, .output = "done"},
              testing::computing_kind());
  at.consumer("note", {.queue = {"done"}}, testing::quick_kind(at.note()));
  at.run_until_idle();

  CHECK(at.seen.size() == 2 * each);
  CHECK(at.outcomes(0, engine::outcome::ok) == 2 * each);
  CHECK(at.outcomes(1, engine::outcome::ok) == 2 * each);
  CHECK(at.broker.engine().job_count() == 0);
}
