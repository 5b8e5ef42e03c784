#include "control/rates.hpp"

#include "engine/engine_fixture.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::engine::testing;
using control::rates;

namespace {

void sweep(rates& sampled, instant now) {
  for (bool done = sampled.begin_sweep(now); !done;) done = sampled.sweep_on();
}

/// Puts `jobs` in each interval, for `length`.
void put_steadily(engine_fixture& fixture, rates& sampled, session_id client, int jobs, duration length) {
  for (const instant end = fixture.now + length; fixture.now < end;) {
    for (int n = 0; n < jobs; ++n) fixture.put(client);
    fixture.pass(rates::interval);
    sweep(sampled, fixture.now);
  }
}

bool near(double value, double expected) { return value > expected - 0.01 && value < expected + 0.01; }

}  // namespace

TEST_CASE("a queue has no rates before it was read twice") {
  engine_fixture fixture;
  fixture.session();
  rates sampled{fixture.engine};
  CHECK_FALSE(sampled.of(fixture.queue()));
  sweep(sampled, fixture.now);
  CHECK_FALSE(sampled.of(fixture.queue()));
  fixture.pass(rates::interval);
  sweep(sampled, fixture.now);
  CHECK(sampled.of(fixture.queue()));
}

TEST_CASE("a steady rate is shown as it is in each window, from the first interval on") {
  engine_fixture fixture;
  const auto client = fixture.session();
  rates sampled{fixture.engine};
  sweep(sampled, fixture.now);
  put_steadily(fixture, sampled, client, 10, rates::interval);
  const auto first = sampled.of(fixture.queue()).value();
  put_steadily(fixture, sampled, client, 10, 20min);
  const auto later = sampled.of(fixture.queue()).value();
  for (std::size_t n = 0; n < rates::windows.size(); ++n) {
    CHECK(near(first.puts[n], 2));
    CHECK(near(later.puts[n], 2));
    CHECK(later.reserves[n] == 0);
  }
}

TEST_CASE("a burst is forgotten first in the shortest window") {
  engine_fixture fixture;
  const auto client = fixture.session();
  rates sampled{fixture.engine};
  sweep(sampled, fixture.now);
  put_steadily(fixture, sampled, client, 50, 15min);
  put_steadily(fixture, sampled, client, 0, 5min);
  const auto puts = sampled.of(fixture.queue())->puts;
  CHECK(puts[0] < 0.1);
  CHECK(puts[1] > puts[0]);
  CHECK(puts[2] > puts[1]);
  CHECK(puts[2] < 10);
}

TEST_CASE("jobs that are deleted count as ended") {
  engine_fixture fixture;
  const auto client = fixture.session();
  rates sampled{fixture.engine};
  sweep(sampled, fixture.now);
  for (int n = 0; n < 5; ++n) REQUIRE(fixture.engine.erase(client, fixture.put(client), fixture.now));
  fixture.pass(rates::interval);
  sweep(sampled, fixture.now);
  CHECK(near(sampled.of(fixture.queue())->ends[0], 1));
}

TEST_CASE("a queue that is gone has no rates, and more queues than a slice are all read") {
  engine_fixture fixture;
  const auto client = fixture.session();
  rates sampled{fixture.engine};
  sweep(sampled, fixture.now);
  for (std::size_t n = 0; n < 2 * rates::slice_queues; ++n) fixture.declare("d" + std::to_string(n), 10);
  fixture.engine.use(client, "passing").value();
  const auto passing = fixture.queue("passing");
  fixture.put(client);
  fixture.pass(rates::interval);
  sweep(sampled, fixture.now);
  CHECK(near(sampled.of(passing)->puts[0], 0.2));
  CHECK(sampled.of(fixture.queue("d" + std::to_string(2 * rates::slice_queues - 1))));
  CHECK(fixture.engine.purge(passing, engine::job_state::ready, fixture.now, fixture.now) == 1);
  fixture.engine.use(client, "q").value();
  CHECK_FALSE(fixture.engine.find("passing"));
  fixture.pass(rates::interval);
  sweep(sampled, fixture.now);
  CHECK_FALSE(sampled.of(passing));
}
