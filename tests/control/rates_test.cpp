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
void put_steadily(engine_fixture& m, rates& sampled, session_id client, int jobs, duration length) {
  for (const instant end = m.now + length; m.now < end;) {
    for (int n = 0; n < jobs; ++n) m.put(client);
    m.pass(rates::interval);
    sweep(sampled, m.now);
  }
}

bool near(double value, double expected) { return value > expected - 0.01 && value < expected + 0.01; }

}  // namespace

TEST_CASE("a queue has no rates before it was read twice") {
  engine_fixture m;
  m.session();
  rates sampled{m.engine};
  CHECK_FALSE(sampled.of(m.queue()));
  sweep(sampled, m.now);
  CHECK_FALSE(sampled.of(m.queue()));
  m.pass(rates::interval);
  sweep(sampled, m.now);
  CHECK(sampled.of(m.queue()));
}

TEST_CASE("a steady rate is shown as it is in each window, from the first interval on") {
  engine_fixture m;
  const auto client = m.session();
  rates sampled{m.engine};
  sweep(sampled, m.now);
  put_steadily(m, sampled, client, 10, rates::interval);
  const auto first = sampled.of(m.queue()).value();
  put_steadily(m, sampled, client, 10, 20min);
  const auto later = sampled.of(m.queue()).value();
  for (std::size_t n = 0; n < rates::windows.size(); ++n) {
    CHECK(near(first.puts[n], 2));
    CHECK(near(later.puts[n], 2));
    CHECK(later.reserves[n] == 0);
  }
}

TEST_CASE("a burst is forgotten first in the shortest window") {
  engine_fixture m;
  const auto client = m.session();
  rates sampled{m.engine};
  sweep(sampled, m.now);
  put_steadily(m, sampled, client, 50, 15min);
  put_steadily(m, sampled, client, 0, 5min);
  const auto puts = sampled.of(m.queue())->puts;
  CHECK(puts[0] < 0.1);
  CHECK(puts[1] > puts[0]);
  CHECK(puts[2] > puts[1]);
  CHECK(puts[2] < 10);
}

TEST_CASE("jobs that are deleted count as ended") {
  engine_fixture m;
  const auto client = m.session();
  rates sampled{m.engine};
  sweep(sampled, m.now);
  for (int n = 0; n < 5; ++n) REQUIRE(m.engine.erase(client, m.put(client), m.now));
  m.pass(rates::interval);
  sweep(sampled, m.now);
  CHECK(near(sampled.of(m.queue())->ends[0], 1));
}

TEST_CASE("a queue that is gone has no rates, and more queues than a slice are all read") {
  engine_fixture m;
  const auto client = m.session();
  rates sampled{m.engine};
  sweep(sampled, m.now);
  for (std::size_t n = 0; n < 2 * rates::slice_queues; ++n) m.declare("d" + std::to_string(n), 10);
  m.engine.use(client, "passing").value();
  const auto passing = m.queue("passing");
  m.put(client);
  m.pass(rates::interval);
  sweep(sampled, m.now);
  CHECK(near(sampled.of(passing)->puts[0], 0.2));
  CHECK(sampled.of(m.queue("d" + std::to_string(2 * rates::slice_queues - 1))));
  CHECK(m.engine.purge(passing, engine::job_state::ready, m.now, m.now) == 1);
  m.engine.use(client, "q").value();
  CHECK_FALSE(m.engine.find("passing"));
  m.pass(rates::interval);
  sweep(sampled, m.now);
  CHECK_FALSE(sampled.of(passing));
}
