#include "engine/engine_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

TEST_CASE("a job whose ttr runs out becomes ready again, at that moment and not before") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto job = fixture.put(s, "x", {.ttr = 10s});
  fixture.take_id(s);
  fixture.pass(10s - 1ns);
  CHECK(fixture.state(job) == job_state::reserved);
  fixture.pass(1ns);
  CHECK(fixture.state(job) == job_state::ready);
  CHECK(fixture.engine.look(job)->timeouts == 1);
  CHECK(fixture.engine.counts(fixture.queue()).ttr_expired.value() == 1);
  CHECK(fixture.events().empty());
}

TEST_CASE("a command that comes at the deadline finds the lease over, also when nobody called advance") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto job = fixture.put(s, "x", {.ttr = 10s});
  fixture.take_id(s);
  fixture.now += 10s;
  CHECK_FALSE(fixture.engine.touch(s, job, fixture.now));
  CHECK(fixture.finish(s, job) == finish_status::not_found);
  CHECK(fixture.engine.erase(s, job, fixture.now));
}

TEST_CASE("of sixty leases that end at once none is lost") {
  engine_fixture fixture;
  const auto s = fixture.session();
  for (int i = 0; i < 60; ++i) fixture.put(s, "x", {.ttr = 1s});
  fixture.take_all(s);
  fixture.pass(1s);
  CHECK(fixture.engine.levels(fixture.queue()).ready == 60);
  CHECK(fixture.engine.next_deadline() == never);
}

TEST_CASE("a ttr shorter than a second is raised to one") {
  engine_fixture fixture;
  const auto s = fixture.session();
  CHECK(fixture.engine.look(fixture.put(s, "x", {.ttr = 0s}))->ttr == 1s);
}

TEST_CASE("touch starts the clock again with the whole ttr") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto job = fixture.put(s, "x", {.ttr = 10s});
  fixture.take_id(s);
  fixture.pass(9s + 500ms);
  CHECK(fixture.engine.touch(s, job, fixture.now));
  CHECK(fixture.engine.look(job)->due == fixture.now + 10s);
  fixture.pass(10s - 1ns);
  CHECK(fixture.state(job) == job_state::reserved);
  fixture.pass(1ns);
  CHECK(fixture.state(job) == job_state::ready);
}

TEST_CASE("only the holder may touch, release, bury or finish, and no one else may delete a reserved job") {
  engine_fixture fixture;
  const auto holder = fixture.session();
  const auto other = fixture.session();
  const auto job = fixture.put(holder);
  const auto check_refused = [&](session_id session) {
    CHECK_FALSE(fixture.engine.touch(session, job, fixture.now));
    CHECK_FALSE(fixture.engine.release(session, job, 0, 0s, fixture.now));
    CHECK_FALSE(fixture.engine.bury(session, job, 0, fixture.now));
    CHECK(fixture.finish(session, job) == finish_status::not_found);
  };
  check_refused(holder);
  fixture.take_id(holder);
  check_refused(other);
  CHECK_FALSE(fixture.engine.erase(other, job, fixture.now));
  CHECK(fixture.engine.touch(holder, job, fixture.now));
}

TEST_CASE("a lease without limit ends with its holder, not with time") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto job = fixture.put(s, "x", {.ttr = 1s});
  fixture.take_id(s, lease::unlimited);
  CHECK(fixture.engine.next_deadline() == never);
  CHECK(fixture.engine.touch(s, job, fixture.now));
  CHECK(fixture.engine.look(job)->due == never);
  fixture.pass(1h);
  CHECK(fixture.state(job) == job_state::reserved);
  CHECK(fixture.reserve(s, 1s) == reserve_status::waiting);
}

TEST_CASE("in the last second of a lease its holder gets deadline_soon instead of waiting") {
  engine_fixture fixture;
  const auto s = fixture.session();
  fixture.put(s, "x", {.ttr = 3s});
  fixture.take_id(s);
  CHECK(fixture.reserve(s) == reserve_status::timed_out);
  fixture.pass(2s);
  CHECK(fixture.reserve(s) == reserve_status::deadline_soon);
  CHECK(fixture.reserve(s, 60s) == reserve_status::deadline_soon);
  CHECK(fixture.reserve(fixture.session(), 60s) == reserve_status::waiting);
}

TEST_CASE("a waiting holder gets deadline_soon when the margin begins, and keeps the job until the ttr is over") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto job = fixture.put(s, "x", {.ttr = 3s});
  fixture.take_id(s);
  CHECK(fixture.reserve(s, 60s) == reserve_status::waiting);
  CHECK(fixture.engine.next_deadline() == fixture.now + 2s);
  fixture.pass(2s);
  CHECK(fixture.events() == texts{"deadline_soon 1"});
  CHECK(fixture.state(job) == job_state::reserved);
  CHECK(fixture.engine.next_deadline() == fixture.now + 1s);
}

TEST_CASE("the soonest of all jobs a session holds begins the margin") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto other = fixture.session({"other", "q"});
  fixture.put(s, "long", {.ttr = 60s});
  fixture.put(s, "short", {.ttr = 5s});
  fixture.take_all(s);
  CHECK(fixture.reserve(s, 60s) == reserve_status::waiting);
  fixture.pass(4s);
  CHECK(fixture.events() == texts{"deadline_soon 1"});
  CHECK(fixture.reserve(other) == reserve_status::timed_out);
}

TEST_CASE("a ready job wins over the margin") {
  engine_fixture fixture;
  const auto s = fixture.session();
  fixture.put(s, "x", {.ttr = 1s});
  fixture.put(s, "y", {.ttr = 1s});
  CHECK(fixture.take(s) == "x");
  CHECK(fixture.take(s) == "y");
  CHECK(fixture.reserve(s, 60s) == reserve_status::deadline_soon);
}

TEST_CASE("touch, release and the end of the lease all end the margin") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto job = fixture.put(s, "x", {.ttr = 2s});
  fixture.take_id(s);
  fixture.pass(1s);
  REQUIRE(fixture.reserve(s) == reserve_status::deadline_soon);
  fixture.engine.touch(s, job, fixture.now);
  CHECK(fixture.reserve(s) == reserve_status::timed_out);
  fixture.pass(1s);
  REQUIRE(fixture.reserve(s) == reserve_status::deadline_soon);
  fixture.engine.release(s, job, 0, 10s, fixture.now);
  CHECK(fixture.reserve(s) == reserve_status::timed_out);
  fixture.pass(10s);
  fixture.take_id(s);
  fixture.pass(1s);
  REQUIRE(fixture.reserve(s) == reserve_status::deadline_soon);
  fixture.pass(1s);
  CHECK(fixture.take(s) == "x");
}

TEST_CASE("when a job becomes ready at the moment a wait ends, the waiter gets the job") {
  engine_fixture fixture;
  const auto s = fixture.session();
  fixture.put(s, "x", {.delay = 5s});
  CHECK(fixture.reserve(s, 5s) == reserve_status::waiting);
  fixture.pass(5s);
  CHECK(fixture.events() == texts{"granted 1: x"});
}

TEST_CASE("what is due late happens in the order in which it was due") {
  engine_fixture fixture;
  const auto s = fixture.session();
  fixture.put(s, "late", {.delay = 6s});
  CHECK(fixture.reserve(s, 5s) == reserve_status::waiting);
  fixture.pass(10s);
  CHECK(fixture.events() == texts{"timed_out 1"});
  CHECK(fixture.take(s) == "late");
}

TEST_CASE("an expired job goes to a waiter, also to its old holder") {
  engine_fixture fixture{{.lease_margin = 0s}};
  const auto s = fixture.session();
  fixture.put(s, "x", {.ttr = 5s});
  fixture.take_id(s);
  CHECK(fixture.reserve(s, 60s) == reserve_status::waiting);
  fixture.pass(5s);
  CHECK(fixture.events() == texts{"granted 1: x"});
}

TEST_CASE("mass expiry moves a thousand jobs a turn") {
  engine_fixture fixture;
  const auto s = fixture.session();
  for (int i = 0; i < 2'500; ++i) fixture.put(s, "x", {.delay = 1s});
  fixture.pass(1s);
  CHECK(fixture.engine.levels(fixture.queue()).ready == 1'000);
  CHECK(fixture.engine.next_deadline() <= fixture.now);
  fixture.engine.advance(fixture.now);
  CHECK(fixture.engine.levels(fixture.queue()).ready == 2'000);
  fixture.engine.advance(fixture.now);
  CHECK(fixture.engine.levels(fixture.queue()).ready == 2'500);
  CHECK(fixture.engine.next_deadline() == never);
}
