#include "engine/mill.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

TEST_CASE("a job whose ttr runs out becomes ready again, at that moment and not before") {
  mill m;
  const auto s = m.session();
  const auto job = m.put(s, "x", {.ttr = 10s});
  m.take_id(s);
  m.pass(10s - 1ns);
  CHECK(m.state(job) == job_state::reserved);
  m.pass(1ns);
  CHECK(m.state(job) == job_state::ready);
  CHECK(m.it.look(job)->timeouts == 1);
  CHECK(m.it.counts(m.queue()).ttr_expired.value() == 1);
  CHECK(m.events().empty());
}

TEST_CASE("a command that comes at the deadline finds the lease over, also when nobody called advance") {
  mill m;
  const auto s = m.session();
  const auto job = m.put(s, "x", {.ttr = 10s});
  m.take_id(s);
  m.now += 10s;
  CHECK_FALSE(m.it.touch(s, job, m.now));
  CHECK(m.finish(s, job) == finish_status::not_found);
  CHECK(m.it.erase(s, job, m.now));
}

TEST_CASE("of sixty leases that end at once none is lost") {
  mill m;
  const auto s = m.session();
  for (int i = 0; i < 60; ++i) m.put(s, "x", {.ttr = 1s});
  m.take_all(s);
  m.pass(1s);
  CHECK(m.it.levels(m.queue()).ready == 60);
  CHECK(m.it.next_deadline() == never);
}

TEST_CASE("a ttr shorter than a second is raised to one") {
  mill m;
  const auto s = m.session();
  CHECK(m.it.look(m.put(s, "x", {.ttr = 0s}))->ttr == 1s);
}

TEST_CASE("touch starts the clock again with the whole ttr") {
  mill m;
  const auto s = m.session();
  const auto job = m.put(s, "x", {.ttr = 10s});
  m.take_id(s);
  m.pass(9s + 500ms);
  CHECK(m.it.touch(s, job, m.now));
  CHECK(m.it.look(job)->due == m.now + 10s);
  m.pass(10s - 1ns);
  CHECK(m.state(job) == job_state::reserved);
  m.pass(1ns);
  CHECK(m.state(job) == job_state::ready);
}

TEST_CASE("only the holder may touch, release, bury or finish, and no one else may delete a reserved job") {
  mill m;
  const auto holder = m.session();
  const auto other = m.session();
  const auto job = m.put(holder);
  const auto nobody_may = [&](session_id who) {
    CHECK_FALSE(m.it.touch(who, job, m.now));
    CHECK_FALSE(m.it.release(who, job, 0, 0s, m.now));
    CHECK_FALSE(m.it.bury(who, job, 0, m.now));
    CHECK(m.finish(who, job) == finish_status::not_found);
  };
  nobody_may(holder);
  m.take_id(holder);
  nobody_may(other);
  CHECK_FALSE(m.it.erase(other, job, m.now));
  CHECK(m.it.touch(holder, job, m.now));
}

TEST_CASE("a lease without limit ends with its holder, not with time") {
  mill m;
  const auto s = m.session();
  const auto job = m.put(s, "x", {.ttr = 1s});
  m.take_id(s, lease::unlimited);
  CHECK(m.it.next_deadline() == never);
  CHECK(m.it.touch(s, job, m.now));
  CHECK(m.it.look(job)->due == never);
  m.pass(1h);
  CHECK(m.state(job) == job_state::reserved);
  CHECK(m.reserve(s, 1s) == reserve_status::waiting);
}

TEST_CASE("in the last second of a lease its holder is told instead of waiting") {
  mill m;
  const auto s = m.session();
  m.put(s, "x", {.ttr = 3s});
  m.take_id(s);
  CHECK(m.reserve(s) == reserve_status::timed_out);
  m.pass(2s);
  CHECK(m.reserve(s) == reserve_status::deadline_soon);
  CHECK(m.reserve(s, 60s) == reserve_status::deadline_soon);
  CHECK(m.reserve(m.session(), 60s) == reserve_status::waiting);
}

TEST_CASE("a holder that waits is told when the margin begins, and the job stays reserved until its ttr is over") {
  mill m;
  const auto s = m.session();
  const auto job = m.put(s, "x", {.ttr = 3s});
  m.take_id(s);
  CHECK(m.reserve(s, 60s) == reserve_status::waiting);
  CHECK(m.it.next_deadline() == m.now + 2s);
  m.pass(2s);
  CHECK(m.events() == told{"deadline_soon 1"});
  CHECK(m.state(job) == job_state::reserved);
  CHECK(m.it.next_deadline() == m.now + 1s);
}

TEST_CASE("the soonest of all jobs a session holds begins the margin") {
  mill m;
  const auto s = m.session();
  const auto other = m.session({"other", "q"});
  m.put(s, "long", {.ttr = 60s});
  m.put(s, "short", {.ttr = 5s});
  m.take_all(s);
  CHECK(m.reserve(s, 60s) == reserve_status::waiting);
  m.pass(4s);
  CHECK(m.events() == told{"deadline_soon 1"});
  CHECK(m.reserve(other) == reserve_status::timed_out);
}

TEST_CASE("a ready job wins over the margin") {
  mill m;
  const auto s = m.session();
  m.put(s, "x", {.ttr = 1s});
  m.put(s, "y", {.ttr = 1s});
  CHECK(m.take(s) == "x");
  CHECK(m.take(s) == "y");
  CHECK(m.reserve(s, 60s) == reserve_status::deadline_soon);
}

TEST_CASE("touch, release and the end of the lease all end the margin") {
  mill m;
  const auto s = m.session();
  const auto job = m.put(s, "x", {.ttr = 2s});
  m.take_id(s);
  m.pass(1s);
  REQUIRE(m.reserve(s) == reserve_status::deadline_soon);
  m.it.touch(s, job, m.now);
  CHECK(m.reserve(s) == reserve_status::timed_out);
  m.pass(1s);
  REQUIRE(m.reserve(s) == reserve_status::deadline_soon);
  m.it.release(s, job, 0, 10s, m.now);
  CHECK(m.reserve(s) == reserve_status::timed_out);
  m.pass(10s);
  m.take_id(s);
  m.pass(1s);
  REQUIRE(m.reserve(s) == reserve_status::deadline_soon);
  m.pass(1s);
  CHECK(m.take(s) == "x");
}

TEST_CASE("when a job becomes ready at the moment a wait ends, the waiter gets the job") {
  mill m;
  const auto s = m.session();
  m.put(s, "x", {.delay = 5s});
  CHECK(m.reserve(s, 5s) == reserve_status::waiting);
  m.pass(5s);
  CHECK(m.events() == told{"granted 1: x"});
}

TEST_CASE("what is due late happens in the order in which it was due") {
  mill m;
  const auto s = m.session();
  m.put(s, "late", {.delay = 6s});
  CHECK(m.reserve(s, 5s) == reserve_status::waiting);
  m.pass(10s);
  CHECK(m.events() == told{"timed_out 1"});
  CHECK(m.take(s) == "late");
}

TEST_CASE("an expired job goes to a waiter, also to its old holder") {
  mill m{{.lease_margin = 0s}};
  const auto s = m.session();
  m.put(s, "x", {.ttr = 5s});
  m.take_id(s);
  CHECK(m.reserve(s, 60s) == reserve_status::waiting);
  m.pass(5s);
  CHECK(m.events() == told{"granted 1: x"});
}

TEST_CASE("mass expiry moves a thousand jobs a turn") {
  mill m;
  const auto s = m.session();
  for (int i = 0; i < 2'500; ++i) m.put(s, "x", {.delay = 1s});
  m.pass(1s);
  CHECK(m.it.levels(m.queue()).ready == 1'000);
  CHECK(m.it.next_deadline() <= m.now);
  m.it.advance(m.now);
  CHECK(m.it.levels(m.queue()).ready == 2'000);
  m.it.advance(m.now);
  CHECK(m.it.levels(m.queue()).ready == 2'500);
  CHECK(m.it.next_deadline() == never);
}
