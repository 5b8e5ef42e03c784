#include "engine/engine_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

TEST_CASE("a job whose ttr runs out becomes ready again, at that moment and not before") {
  engine_fixture m;
  const auto s = m.session();
  const auto job = m.put(s, "x", {.ttr = 10s});
  m.take_id(s);
  m.pass(10s - 1ns);
  CHECK(m.state(job) == job_state::reserved);
  m.pass(1ns);
  CHECK(m.state(job) == job_state::ready);
  CHECK(m.engine.look(job)->timeouts == 1);
  CHECK(m.engine.counts(m.queue()).ttr_expired.value() == 1);
  CHECK(m.events().empty());
}

TEST_CASE("a command that comes at the deadline finds the lease over, also when nobody called advance") {
  engine_fixture m;
  const auto s = m.session();
  const auto job = m.put(s, "x", {.ttr = 10s});
  m.take_id(s);
  m.now += 10s;
  CHECK_FALSE(m.engine.touch(s, job, m.now));
  CHECK(m.finish(s, job) == finish_status::not_found);
  CHECK(m.engine.erase(s, job, m.now));
}

TEST_CASE("of sixty leases that end at once none is lost") {
  engine_fixture m;
  const auto s = m.session();
  for (int i = 0; i < 60; ++i) m.put(s, "x", {.ttr = 1s});
  m.take_all(s);
  m.pass(1s);
  CHECK(m.engine.levels(m.queue()).ready == 60);
  CHECK(m.engine.next_deadline() == never);
}

TEST_CASE("a ttr shorter than a second is raised to one") {
  engine_fixture m;
  const auto s = m.session();
  CHECK(m.engine.look(m.put(s, "x", {.ttr = 0s}))->ttr == 1s);
}

TEST_CASE("touch starts the clock again with the whole ttr") {
  engine_fixture m;
  const auto s = m.session();
  const auto job = m.put(s, "x", {.ttr = 10s});
  m.take_id(s);
  m.pass(9s + 500ms);
  CHECK(m.engine.touch(s, job, m.now));
  CHECK(m.engine.look(job)->due == m.now + 10s);
  m.pass(10s - 1ns);
  CHECK(m.state(job) == job_state::reserved);
  m.pass(1ns);
  CHECK(m.state(job) == job_state::ready);
}

TEST_CASE("only the holder may touch, release, bury or finish, and no one else may delete a reserved job") {
  engine_fixture m;
  const auto holder = m.session();
  const auto other = m.session();
  const auto job = m.put(holder);
  const auto check_refused = [&](session_id session) {
    CHECK_FALSE(m.engine.touch(session, job, m.now));
    CHECK_FALSE(m.engine.release(session, job, 0, 0s, m.now));
    CHECK_FALSE(m.engine.bury(session, job, 0, m.now));
    CHECK(m.finish(session, job) == finish_status::not_found);
  };
  check_refused(holder);
  m.take_id(holder);
  check_refused(other);
  CHECK_FALSE(m.engine.erase(other, job, m.now));
  CHECK(m.engine.touch(holder, job, m.now));
}

TEST_CASE("a lease without limit ends with its holder, not with time") {
  engine_fixture m;
  const auto s = m.session();
  const auto job = m.put(s, "x", {.ttr = 1s});
  m.take_id(s, lease::unlimited);
  CHECK(m.engine.next_deadline() == never);
  CHECK(m.engine.touch(s, job, m.now));
  CHECK(m.engine.look(job)->due == never);
  m.pass(1h);
  CHECK(m.state(job) == job_state::reserved);
  CHECK(m.reserve(s, 1s) == reserve_status::waiting);
}

TEST_CASE("in the last second of a lease its holder gets deadline_soon instead of waiting") {
  engine_fixture m;
  const auto s = m.session();
  m.put(s, "x", {.ttr = 3s});
  m.take_id(s);
  CHECK(m.reserve(s) == reserve_status::timed_out);
  m.pass(2s);
  CHECK(m.reserve(s) == reserve_status::deadline_soon);
  CHECK(m.reserve(s, 60s) == reserve_status::deadline_soon);
  CHECK(m.reserve(m.session(), 60s) == reserve_status::waiting);
}

TEST_CASE("a waiting holder gets deadline_soon when the margin begins, and keeps the job until the ttr is over") {
  engine_fixture m;
  const auto s = m.session();
  const auto job = m.put(s, "x", {.ttr = 3s});
  m.take_id(s);
  CHECK(m.reserve(s, 60s) == reserve_status::waiting);
  CHECK(m.engine.next_deadline() == m.now + 2s);
  m.pass(2s);
  CHECK(m.events() == texts{"deadline_soon 1"});
  CHECK(m.state(job) == job_state::reserved);
  CHECK(m.engine.next_deadline() == m.now + 1s);
}

TEST_CASE("the soonest of all jobs a session holds begins the margin") {
  engine_fixture m;
  const auto s = m.session();
  const auto other = m.session({"other", "q"});
  m.put(s, "long", {.ttr = 60s});
  m.put(s, "short", {.ttr = 5s});
  m.take_all(s);
  CHECK(m.reserve(s, 60s) == reserve_status::waiting);
  m.pass(4s);
  CHECK(m.events() == texts{"deadline_soon 1"});
  CHECK(m.reserve(other) == reserve_status::timed_out);
}

TEST_CASE("a ready job wins over the margin") {
  engine_fixture m;
  const auto s = m.session();
  m.put(s, "x", {.ttr = 1s});
  m.put(s, "y", {.ttr = 1s});
  CHECK(m.take(s) == "x");
  CHECK(m.take(s) == "y");
  CHECK(m.reserve(s, 60s) == reserve_status::deadline_soon);
}

TEST_CASE("touch, release and the end of the lease all end the margin") {
  engine_fixture m;
  const auto s = m.session();
  const auto job = m.put(s, "x", {.ttr = 2s});
  m.take_id(s);
  m.pass(1s);
  REQUIRE(m.reserve(s) == reserve_status::deadline_soon);
  m.engine.touch(s, job, m.now);
  CHECK(m.reserve(s) == reserve_status::timed_out);
  m.pass(1s);
  REQUIRE(m.reserve(s) == reserve_status::deadline_soon);
  m.engine.release(s, job, 0, 10s, m.now);
  CHECK(m.reserve(s) == reserve_status::timed_out);
  m.pass(10s);
  m.take_id(s);
  m.pass(1s);
  REQUIRE(m.reserve(s) == reserve_status::deadline_soon);
  m.pass(1s);
  CHECK(m.take(s) == "x");
}

TEST_CASE("when a job becomes ready at the moment a wait ends, the waiter gets the job") {
  engine_fixture m;
  const auto s = m.session();
  m.put(s, "x", {.delay = 5s});
  CHECK(m.reserve(s, 5s) == reserve_status::waiting);
  m.pass(5s);
  CHECK(m.events() == texts{"granted 1: x"});
}

TEST_CASE("what is due late happens in the order in which it was due") {
  engine_fixture m;
  const auto s = m.session();
  m.put(s, "late", {.delay = 6s});
  CHECK(m.reserve(s, 5s) == reserve_status::waiting);
  m.pass(10s);
  CHECK(m.events() == texts{"timed_out 1"});
  CHECK(m.take(s) == "late");
}

TEST_CASE("an expired job goes to a waiter, also to its old holder") {
  engine_fixture m{{.lease_margin = 0s}};
  const auto s = m.session();
  m.put(s, "x", {.ttr = 5s});
  m.take_id(s);
  CHECK(m.reserve(s, 60s) == reserve_status::waiting);
  m.pass(5s);
  CHECK(m.events() == texts{"granted 1: x"});
}

TEST_CASE("mass expiry moves a thousand jobs a turn") {
  engine_fixture m;
  const auto s = m.session();
  for (int i = 0; i < 2'500; ++i) m.put(s, "x", {.delay = 1s});
  m.pass(1s);
  CHECK(m.engine.levels(m.queue()).ready == 1'000);
  CHECK(m.engine.next_deadline() <= m.now);
  m.engine.advance(m.now);
  CHECK(m.engine.levels(m.queue()).ready == 2'000);
  m.engine.advance(m.now);
  CHECK(m.engine.levels(m.queue()).ready == 2'500);
  CHECK(m.engine.next_deadline() == never);
}
