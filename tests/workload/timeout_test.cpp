#include "support/catch.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using engine::outcome;
using testing::workload_fixture;

TEST_CASE("a handler that waits longer than its timeout is cancelled and the next job is served") {
  workload_fixture fixture;
  const auto queue = fixture.queue("work");
  fixture.put(queue, "a");
  fixture.put(queue, "b");
  fixture.consumer("slow", {.queue = {"work"}, .timeout = seconds{3}},
                   testing::waiting_kind(seconds{10}, fixture.note()));
  fixture.start();

  fixture.loop.advance(nanoseconds{seconds{3}} - nanoseconds{1});
  CHECK(fixture.outcomes(0, outcome::timeout) == 0);
  fixture.loop.advance(nanoseconds{1});
  CHECK(fixture.outcomes(0, outcome::timeout) == 1);
  CHECK(fixture.levels("work").reserved == 1);
  fixture.loop.advance(seconds{3});

  CHECK(fixture.outcomes(0, outcome::timeout) == 2);
  CHECK(fixture.levels("work").buried == 2);
  CHECK(fixture.seen.empty());
  CHECK(fixture.broker.engine().first_buried(queue)->error_text == "no answer within 3s");
}

TEST_CASE("a handler that answers in time is not disturbed by its timeout") {
  workload_fixture fixture;
  fixture.put(fixture.queue("work"), "a");
  fixture.consumer("slow", {.queue = {"work"}, .timeout = seconds{3}},
                   testing::waiting_kind(seconds{2}, fixture.note()));
  fixture.start();
  fixture.loop.advance(seconds{10});

  CHECK(fixture.outcomes(0, outcome::ok) == 1);
  CHECK(fixture.seen.size() == 1);
}

TEST_CASE("a computation on the loop stops between two steps when its time is over") {
  workload_fixture fixture{{}, loop::clock_kind::real};
  fixture.put(fixture.queue("work"), "1000000M");
  fixture.consumer("count", {.queue = {"work"}, .timeout = milliseconds{5}, .dead_letter = "late"},
                   testing::computing_kind());
  fixture.run_until_idle();

  CHECK(fixture.outcomes(0, outcome::timeout) == 1);
  CHECK(fixture.levels("late").jobs() == 1);
}

TEST_CASE("a computation on a thread stops between two steps when its time is over") {
  workload_fixture fixture;
  fixture.put(fixture.queue("work"), "1000000M");
  fixture.consumer("count", {.queue = {"work"}, .run_on = offload::execution_site::threads, .timeout = seconds{5}},
                   testing::computing_kind());
  fixture.start();
  fixture.loop.advance(seconds{5});
  fixture.turn_until([&] { return fixture.levels("work").reserved == 0; });

  CHECK(fixture.outcomes(0, outcome::timeout) == 1);
  CHECK(fixture.levels("work").buried == 1);
}

TEST_CASE("a quick handler is done before any timeout could come") {
  workload_fixture fixture;
  fixture.put(fixture.queue("work"), "a");
  fixture.consumer("quick", {.queue = {"work"}, .timeout = nanoseconds{1}}, testing::quick_kind(fixture.note()));
  fixture.start();

  CHECK(fixture.outcomes(0, outcome::ok) == 1);
}
