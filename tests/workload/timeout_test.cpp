#include "support/catch.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using engine::outcome;
using testing::workload_fixture;

TEST_CASE("a handler that waits longer than its timeout is cancelled and the next job is served") {
  workload_fixture at;
  const auto queue = at.queue("work");
  at.put(queue, "a");
  at.put(queue, "b");
  at.consumer("slow", {.queue = {"work"}, .timeout = seconds{3}}, testing::waiting_kind(seconds{10}, at.note()));
  at.start();

  at.loop.advance(nanoseconds{seconds{3}} - nanoseconds{1});
  CHECK(at.outcomes(0, outcome::timeout) == 0);
  at.loop.advance(nanoseconds{1});
  CHECK(at.outcomes(0, outcome::timeout) == 1);
  CHECK(at.levels("work").reserved == 1);
  at.loop.advance(seconds{3});

  CHECK(at.outcomes(0, outcome::timeout) == 2);
  CHECK(at.levels("work").buried == 2);
  CHECK(at.seen.empty());
  CHECK(at.broker.engine().first_buried(queue)->error_text == "no answer within 3s");
}

TEST_CASE("a handler that answers in time is not disturbed by its timeout") {
  workload_fixture at;
  at.put(at.queue("work"), "a");
  at.consumer("slow", {.queue = {"work"}, .timeout = seconds{3}}, testing::waiting_kind(seconds{2}, at.note()));
  at.start();
  at.loop.advance(seconds{10});

  CHECK(at.outcomes(0, outcome::ok) == 1);
  CHECK(at.seen.size() == 1);
}

TEST_CASE("a computation on the loop stops between two steps when its time is over") {
  workload_fixture at{{}, loop::clock_kind::real};
  at.put(at.queue("work"), "1000000M");
  at.consumer("count", {.queue = {"work"}, .timeout = milliseconds{5}, .dead_letter = "late"},
              testing::computing_kind());
  at.run_until_idle();

  CHECK(at.outcomes(0, outcome::timeout) == 1);
  CHECK(at.levels("late").jobs() == 1);
}

TEST_CASE("a computation on a thread stops between two steps when its time is over") {
  workload_fixture at;
  at.put(at.queue("work"), "1000000M");
  at.consumer("count", {.queue = {"work"}, .run_on = offload::execution_site::threads, .timeout = seconds{5}},
              testing::computing_kind());
  at.start();
  at.loop.advance(seconds{5});
  at.turn_until([&] { return at.levels("work").reserved == 0; });

  CHECK(at.outcomes(0, outcome::timeout) == 1);
  CHECK(at.levels("work").buried == 1);
}

TEST_CASE("a quick handler is done before any timeout could come") {
  workload_fixture at;
  at.put(at.queue("work"), "a");
  at.consumer("quick", {.queue = {"work"}, .timeout = nanoseconds{1}}, testing::quick_kind(at.note()));
  at.start();

  CHECK(at.outcomes(0, outcome::ok) == 1);
}
