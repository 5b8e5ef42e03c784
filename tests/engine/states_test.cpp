#include "engine/engine_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

TEST_CASE("a delayed job becomes ready when its delay has passed") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto job = fixture.put(s, "x", {.delay = 5s});
  CHECK(fixture.state(job) == job_state::delayed);
  CHECK(fixture.engine.next_deadline() == fixture.now + 5s);
  CHECK(fixture.engine.look(job)->due == fixture.now + 5s);
  fixture.pass(5s - 1ns);
  CHECK(fixture.take(s) == "-");
  fixture.pass(1ns);
  CHECK(fixture.take(s) == "x");
}

TEST_CASE("the first delayed job is the one that is due soonest, in whatever order the jobs were put") {
  engine_fixture fixture;
  const auto s = fixture.session();
  fixture.put(s, "9", {.delay = 9s});
  fixture.put(s, "4", {.delay = 4s});
  fixture.put(s, "6", {.delay = 6s});
  CHECK(fixture.engine.first_delayed(fixture.queue())->content.view() == "4");
  REQUIRE(fixture.engine.erase(s, fixture.engine.first_delayed(fixture.queue())->job, fixture.now));
  CHECK(fixture.engine.first_delayed(fixture.queue())->content.view() == "6");
  CHECK(fixture.engine.next_deadline() == fixture.now + 6s);
}

TEST_CASE("release gives a new priority and, with a delay, makes the job delayed") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto job = fixture.put(s, "x", {.priority = 7, .delay = 1s});
  fixture.pass(1s);
  fixture.take_id(s);
  CHECK(fixture.engine.release(s, job, 2, 10s, fixture.now));
  CHECK(fixture.state(job) == job_state::delayed);
  CHECK(fixture.engine.look(job)->priority == 2);
  CHECK(fixture.engine.look(job)->delay == 10s);
  CHECK(fixture.engine.look(job)->releases == 1);
  fixture.pass(10s);
  fixture.take_id(s);
  CHECK(fixture.engine.release(s, job, 3, 0s, fixture.now));
  CHECK(fixture.state(job) == job_state::ready);
  CHECK(fixture.engine.look(job)->delay == 0s);
  CHECK(fixture.engine.counts(fixture.queue()).released.value() == 2);
}

TEST_CASE("a purge deletes the jobs of one state, the longest in it first, up to the limit of a turn") {
  engine_fixture fixture;
  const auto s = fixture.session();
  fixture.declare("q", 10'000, overflow::block, 1'000'000);
  for (std::size_t n = 0; n < moves_per_turn_max + 2; ++n) fixture.put(s, "ready");
  const auto delayed = fixture.put(s, "delayed", {.delay = 9s});
  const auto held = fixture.take_id(s);
  const auto first = fixture.engine.first_ready(fixture.queue())->job;
  CHECK(fixture.engine.purge(fixture.queue(), job_state::ready, fixture.now, fixture.now) == moves_per_turn_max);
  CHECK_FALSE(fixture.engine.look(first));
  CHECK(fixture.engine.purge(fixture.queue(), job_state::ready, fixture.now, fixture.now) == 1);
  CHECK(fixture.engine.purge(fixture.queue(), job_state::ready, fixture.now, fixture.now) == 0);
  CHECK(fixture.state(delayed) == job_state::delayed);
  CHECK(fixture.state(held) == job_state::reserved);
  CHECK(fixture.engine.look(held)->holder == s);
  CHECK_FALSE(fixture.engine.look(delayed)->holder);
  CHECK(fixture.engine.counts(fixture.queue()).deletes.value() == moves_per_turn_max + 1);
}

TEST_CASE("a purge spares jobs that entered the state after the purge began") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto old = fixture.put(s, "old");
  const auto began = fixture.now;
  fixture.pass(1ns);
  const auto later = fixture.put(s, "later");
  CHECK(fixture.engine.purge(fixture.queue(), job_state::ready, began, fixture.now) == 1);
  CHECK(fixture.engine.purge(fixture.queue(), job_state::ready, began, fixture.now) == 0);
  CHECK_FALSE(fixture.engine.look(old));
  CHECK(fixture.state(later) == job_state::ready);
}

TEST_CASE("a purge admits puts that waited for capacity, and removes a queue that nobody uses") {
  engine_fixture fixture;
  const auto s = fixture.session();
  fixture.declare("full", 1);
  fixture.engine.use(s, "full").value();
  fixture.put(s, "first");
  const auto other = fixture.session({"full"});
  CHECK(fixture.offer(other, "second").status == put_status::waiting);
  CHECK(fixture.engine.purge(fixture.queue("full"), job_state::ready, fixture.now, fixture.now) == 1);
  CHECK(fixture.engine.first_ready(fixture.queue("full"))->content.view() == "second");

  fixture.engine.use(s, "passing").value();
  fixture.put(s, "x");
  const auto passing = fixture.queue("passing");
  fixture.engine.use(s, "full").value();
  CHECK(fixture.engine.purge(passing, job_state::ready, fixture.now, fixture.now) == 1);
  CHECK_FALSE(fixture.engine.find("passing"));
  CHECK(fixture.engine.purge(passing, job_state::ready, fixture.now, fixture.now) == 0);
}

TEST_CASE("a released job goes to a session that waits for one") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto other = fixture.session();
  const auto job = fixture.put(s, "x");
  fixture.take_id(s);
  CHECK(fixture.reserve(other, 60s) == reserve_status::waiting);
  fixture.engine.release(s, job, 0, 0s, fixture.now);
  CHECK(fixture.events() == texts{"granted 2: x"});
}

TEST_CASE("buried jobs are listed in the order in which they were buried, and keep the priority of that bury") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto first = fixture.put(s, "1");
  const auto second = fixture.put(s, "2");
  fixture.take_all(s);
  fixture.engine.bury(s, second, 5, fixture.now);
  fixture.engine.bury(s, first, 9, fixture.now);
  CHECK(fixture.engine.first_buried(fixture.queue())->job == second);
  CHECK(fixture.engine.look(second)->buries == 1);
  auto from = millrace::engine::engine::kick_from::undecided;
  CHECK(fixture.engine.kick(fixture.queue(), 1, from, fixture.now) == 1);
  CHECK(from == millrace::engine::engine::kick_from::buried);
  CHECK(fixture.state(second) == job_state::ready);
  CHECK(fixture.engine.look(second)->priority == 5);
  CHECK(fixture.engine.look(second)->kicks == 1);
  CHECK(fixture.state(first) == job_state::buried);
}

TEST_CASE("kick takes buried jobs first, and delayed ones, soonest due first, only if none is buried") {
  engine_fixture fixture;
  const auto s = fixture.session();
  fixture.put(s, "buried");
  const auto buried = fixture.take_id(s);
  const auto late = fixture.put(s, "late", {.delay = 9s});
  const auto soon = fixture.put(s, "soon", {.delay = 4s});
  fixture.engine.bury(s, buried, 0, fixture.now);
  const auto kick = [&](std::size_t bound) {
    auto from = millrace::engine::engine::kick_from::undecided;
    return fixture.engine.kick(fixture.queue(), bound, from, fixture.now);
  };
  CHECK(kick(0) == 0);
  CHECK(kick(10) == 1);
  CHECK(fixture.state(late) == job_state::delayed);
  CHECK(kick(1) == 1);
  CHECK(fixture.state(soon) == job_state::ready);
  CHECK(fixture.state(late) == job_state::delayed);
  CHECK(fixture.engine.next_deadline() == fixture.now + 9s);
  CHECK(kick(10) == 1);
  CHECK(kick(10) == 0);
  CHECK(fixture.engine.next_deadline() == never);
}

TEST_CASE("a call of kick moves at most a thousand jobs, and the next call continues with jobs of the same state") {
  engine_fixture fixture;
  const auto s = fixture.session();
  for (int i = 0; i < 1'500; ++i) fixture.put(s);
  for (int i = 0; i < 1'500; ++i) fixture.engine.bury(s, fixture.take_id(s), 0, fixture.now);
  fixture.put(s, "delayed", {.delay = 1s});
  auto from = millrace::engine::engine::kick_from::undecided;
  CHECK(fixture.engine.kick(fixture.queue(), 5'000, from, fixture.now) == 1'000);
  CHECK(fixture.engine.kick(fixture.queue(), 4'000, from, fixture.now) == 500);
  CHECK(fixture.engine.levels(fixture.queue()).delayed == 1);
  CHECK(fixture.engine.counts(fixture.queue()).kicked.value() == 1'500);
}

TEST_CASE("kick-job is for buried and delayed jobs of any queue") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto ready = fixture.put(s);
  const auto delayed = fixture.put(s, "d", {.delay = 5s});
  CHECK_FALSE(fixture.engine.kick_job(ready, fixture.now));
  CHECK(fixture.engine.kick_job(delayed, fixture.now));
  CHECK(fixture.state(delayed) == job_state::ready);
  fixture.take_id(s);
  CHECK_FALSE(fixture.engine.kick_job(ready, fixture.now));
  CHECK_FALSE(fixture.engine.kick_job(job_id{99}, fixture.now));
}

TEST_CASE("any session may delete a job that nobody holds, in any state and queue, but only once") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto stranger = fixture.engine.open_session();
  const auto ready = fixture.put(s);
  const auto delayed = fixture.put(s, "d", {.delay = 5s});
  const auto buried = fixture.put(s, "b", {.priority = 0});
  fixture.engine.bury(s, fixture.take_id(s), 0, fixture.now);
  for (const auto job : {ready, delayed, buried}) {
    CHECK(fixture.engine.erase(stranger, job, fixture.now));
    CHECK_FALSE(fixture.engine.erase(stranger, job, fixture.now));
  }
  CHECK(fixture.engine.job_count() == 0);
  CHECK(fixture.engine.levels(fixture.queue()).jobs() == 0);
  CHECK(fixture.engine.levels(fixture.queue()).bytes() == 0);
  CHECK(fixture.engine.counts(fixture.queue()).deletes.value() == 3);
  CHECK(fixture.engine.counts(fixture.queue()).finished[static_cast<std::size_t>(outcome::deleted)].value() == 3);
  CHECK(fixture.engine.next_deadline() == never);
}

TEST_CASE("a queue knows how many jobs of each state it has, their bytes, and since when the oldest is in its state") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto start = fixture.now;
  fixture.put(s, "12345", {.priority = 1'023});
  fixture.put(s, "123");
  fixture.pass(1s);
  fixture.put(s, "1234567", {.delay = 60s});
  fixture.take_id(s);
  const auto levels = fixture.engine.levels(fixture.queue());
  CHECK(levels.ready == 1);
  CHECK(levels.urgent == 0);
  CHECK(levels.reserved == 1);
  CHECK(levels.delayed == 1);
  CHECK(levels.ready_bytes == 3);
  CHECK(levels.reserved_bytes == 5);
  CHECK(levels.delayed_bytes == 7);
  CHECK(levels.oldest_ready == start);
  CHECK(levels.oldest_reserved == fixture.now);
  CHECK(levels.oldest_delayed == fixture.now);
  CHECK(levels.oldest_buried == never);
  CHECK(levels.using_sessions == 1);
  CHECK(levels.watching_sessions == 1);
}

TEST_CASE("a paused queue gives no job to any reserve until the pause ends") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto other = fixture.session();
  fixture.put(s, "old");
  fixture.engine.pause(fixture.queue(), 5s, fixture.now).value();
  CHECK(fixture.take(s) == "-");
  CHECK(fixture.reserve(s, 60s) == reserve_status::waiting);
  fixture.put(other, "new", {.priority = 0});
  CHECK(fixture.events().empty());
  CHECK(fixture.engine.first_ready(fixture.queue())->content.view() == "new");
  CHECK(fixture.engine.levels(fixture.queue()).paused_for == 5s);
  fixture.pass(5s - 1ns);
  CHECK(fixture.events().empty());
  fixture.pass(1ns);
  CHECK(fixture.events() == texts{"granted 1: new"});
  CHECK(fixture.take(other) == "old");
  CHECK(fixture.engine.levels(fixture.queue()).paused_until == no_pause);
  CHECK(fixture.engine.levels(fixture.queue()).paused_for == 0s);
}

TEST_CASE("a new pause replaces the old one, and a pause of zero ends it at once") {
  engine_fixture fixture;
  const auto s = fixture.session();
  fixture.put(s, "x");
  fixture.engine.pause(fixture.queue(), 60s, fixture.now).value();
  fixture.engine.pause(fixture.queue(), 5s, fixture.now).value();
  CHECK(fixture.engine.next_deadline() == fixture.now + 5s);
  CHECK(fixture.reserve(s, 60s) == reserve_status::waiting);
  fixture.engine.pause(fixture.queue(), 0s, fixture.now).value();
  CHECK(fixture.events() == texts{"granted 1: x"});
  CHECK(fixture.engine.counts(fixture.queue()).pauses.value() == 3);
  CHECK(fixture.engine.pause(queue_id{77}, 1s, fixture.now).has_error());
}

TEST_CASE("the end of a pause serves a thousand waiting sessions a turn, and no new reserve overtakes the others") {
  engine_fixture fixture;
  const auto producer = fixture.session();
  fixture.engine.pause(fixture.queue(), 5s, fixture.now).value();
  for (int i = 0; i < 1'200; ++i) {
    fixture.put(producer);
    REQUIRE(fixture.reserve(fixture.session(), 60s) == reserve_status::waiting);
  }
  fixture.put(producer);
  fixture.pass(5s);
  const auto first_turn = fixture.events();
  CHECK(first_turn.size() == 1'000);
  CHECK(fixture.engine.next_deadline() <= fixture.now);
  CHECK(fixture.engine.levels(fixture.queue()).waiting_sessions == 200);
  CHECK(fixture.take(producer) == "job");
  const auto second_turn = fixture.events();
  CHECK(second_turn.size() == 200);
}
