#include "engine/engine_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

TEST_CASE("a delayed job becomes ready when its delay has passed") {
  engine_fixture m;
  const auto s = m.session();
  const auto job = m.put(s, "x", {.delay = 5s});
  CHECK(m.state(job) == job_state::delayed);
  CHECK(m.engine.next_deadline() == m.now + 5s);
  CHECK(m.engine.look(job)->due == m.now + 5s);
  m.pass(5s - 1ns);
  CHECK(m.take(s) == "-");
  m.pass(1ns);
  CHECK(m.take(s) == "x");
}

TEST_CASE("the first delayed job is the one that is due soonest, in whatever order the jobs were put") {
  engine_fixture m;
  const auto s = m.session();
  m.put(s, "9", {.delay = 9s});
  m.put(s, "4", {.delay = 4s});
  m.put(s, "6", {.delay = 6s});
  CHECK(m.engine.first_delayed(m.queue())->content.view() == "4");
  REQUIRE(m.engine.erase(s, m.engine.first_delayed(m.queue())->job, m.now));
  CHECK(m.engine.first_delayed(m.queue())->content.view() == "6");
  CHECK(m.engine.next_deadline() == m.now + 6s);
}

TEST_CASE("release gives a new priority and, with a delay, makes the job delayed") {
  engine_fixture m;
  const auto s = m.session();
  const auto job = m.put(s, "x", {.priority = 7, .delay = 1s});
  m.pass(1s);
  m.take_id(s);
  CHECK(m.engine.release(s, job, 2, 10s, m.now));
  CHECK(m.state(job) == job_state::delayed);
  CHECK(m.engine.look(job)->priority == 2);
  CHECK(m.engine.look(job)->delay == 10s);
  CHECK(m.engine.look(job)->releases == 1);
  m.pass(10s);
  m.take_id(s);
  CHECK(m.engine.release(s, job, 3, 0s, m.now));
  CHECK(m.state(job) == job_state::ready);
  CHECK(m.engine.look(job)->delay == 0s);
  CHECK(m.engine.counts(m.queue()).released.value() == 2);
}

TEST_CASE("a purge deletes the jobs of one state, the longest in it first, up to the limit of a turn") {
  engine_fixture m;
  const auto s = m.session();
  m.declare("q", 10'000, overflow::block, 1'000'000);
  for (std::size_t n = 0; n < moves_per_turn_max + 2; ++n) m.put(s, "ready");
  const auto delayed = m.put(s, "delayed", {.delay = 9s});
  const auto held = m.take_id(s);
  const auto first = m.engine.first_ready(m.queue())->job;
  CHECK(m.engine.purge(m.queue(), job_state::ready, m.now, m.now) == moves_per_turn_max);
  CHECK_FALSE(m.engine.look(first));
  CHECK(m.engine.purge(m.queue(), job_state::ready, m.now, m.now) == 1);
  CHECK(m.engine.purge(m.queue(), job_state::ready, m.now, m.now) == 0);
  CHECK(m.state(delayed) == job_state::delayed);
  CHECK(m.state(held) == job_state::reserved);
  CHECK(m.engine.look(held)->holder == s);
  CHECK_FALSE(m.engine.look(delayed)->holder);
  CHECK(m.engine.counts(m.queue()).deletes.value() == moves_per_turn_max + 1);
}

TEST_CASE("a purge spares jobs that entered the state after the purge began") {
  engine_fixture m;
  const auto s = m.session();
  const auto old = m.put(s, "old");
  const auto began = m.now;
  m.pass(1ns);
  const auto later = m.put(s, "later");
  CHECK(m.engine.purge(m.queue(), job_state::ready, began, m.now) == 1);
  CHECK(m.engine.purge(m.queue(), job_state::ready, began, m.now) == 0);
  CHECK_FALSE(m.engine.look(old));
  CHECK(m.state(later) == job_state::ready);
}

TEST_CASE("a purge admits puts that waited for capacity, and removes a queue that nobody uses") {
  engine_fixture m;
  const auto s = m.session();
  m.declare("full", 1);
  m.engine.use(s, "full").value();
  m.put(s, "first");
  const auto other = m.session({"full"});
  CHECK(m.offer(other, "second").status == put_status::waiting);
  CHECK(m.engine.purge(m.queue("full"), job_state::ready, m.now, m.now) == 1);
  CHECK(m.engine.first_ready(m.queue("full"))->content.view() == "second");

  m.engine.use(s, "passing").value();
  m.put(s, "x");
  const auto passing = m.queue("passing");
  m.engine.use(s, "full").value();
  CHECK(m.engine.purge(passing, job_state::ready, m.now, m.now) == 1);
  CHECK_FALSE(m.engine.find("passing"));
  CHECK(m.engine.purge(passing, job_state::ready, m.now, m.now) == 0);
}

TEST_CASE("a released job goes to a session that waits for one") {
  engine_fixture m;
  const auto s = m.session();
  const auto other = m.session();
  const auto job = m.put(s, "x");
  m.take_id(s);
  CHECK(m.reserve(other, 60s) == reserve_status::waiting);
  m.engine.release(s, job, 0, 0s, m.now);
  CHECK(m.events() == texts{"granted 2: x"});
}

TEST_CASE("buried jobs are listed in the order in which they were buried, and keep the priority of that bury") {
  engine_fixture m;
  const auto s = m.session();
  const auto first = m.put(s, "1");
  const auto second = m.put(s, "2");
  m.take_all(s);
  m.engine.bury(s, second, 5, m.now);
  m.engine.bury(s, first, 9, m.now);
  CHECK(m.engine.first_buried(m.queue())->job == second);
  CHECK(m.engine.look(second)->buries == 1);
  auto from = millrace::engine::engine::kick_from::undecided;
  CHECK(m.engine.kick(m.queue(), 1, from, m.now) == 1);
  CHECK(from == millrace::engine::engine::kick_from::buried);
  CHECK(m.state(second) == job_state::ready);
  CHECK(m.engine.look(second)->priority == 5);
  CHECK(m.engine.look(second)->kicks == 1);
  CHECK(m.state(first) == job_state::buried);
}

TEST_CASE("kick takes buried jobs first, and delayed ones, soonest due first, only if none is buried") {
  engine_fixture m;
  const auto s = m.session();
  m.put(s, "buried");
  const auto buried = m.take_id(s);
  const auto late = m.put(s, "late", {.delay = 9s});
  const auto soon = m.put(s, "soon", {.delay = 4s});
  m.engine.bury(s, buried, 0, m.now);
  const auto kick = [&](std::size_t bound) {
    auto from = millrace::engine::engine::kick_from::undecided;
    return m.engine.kick(m.queue(), bound, from, m.now);
  };
  CHECK(kick(0) == 0);
  CHECK(kick(10) == 1);
  CHECK(m.state(late) == job_state::delayed);
  CHECK(kick(1) == 1);
  CHECK(m.state(soon) == job_state::ready);
  CHECK(m.state(late) == job_state::delayed);
  CHECK(m.engine.next_deadline() == m.now + 9s);
  CHECK(kick(10) == 1);
  CHECK(kick(10) == 0);
  CHECK(m.engine.next_deadline() == never);
}

TEST_CASE("a call of kick moves at most a thousand jobs, and the next call continues with jobs of the same state") {
  engine_fixture m;
  const auto s = m.session();
  for (int i = 0; i < 1'500; ++i) m.put(s);
  for (int i = 0; i < 1'500; ++i) m.engine.bury(s, m.take_id(s), 0, m.now);
  m.put(s, "delayed", {.delay = 1s});
  auto from = millrace::engine::engine::kick_from::undecided;
  CHECK(m.engine.kick(m.queue(), 5'000, from, m.now) == 1'000);
  CHECK(m.engine.kick(m.queue(), 4'000, from, m.now) == 500);
  CHECK(m.engine.levels(m.queue()).delayed == 1);
  CHECK(m.engine.counts(m.queue()).kicked.value() == 1'500);
}

TEST_CASE("kick-job is for buried and delayed jobs of any queue") {
  engine_fixture m;
  const auto s = m.session();
  const auto ready = m.put(s);
  const auto delayed = m.put(s, "d", {.delay = 5s});
  CHECK_FALSE(m.engine.kick_job(ready, m.now));
  CHECK(m.engine.kick_job(delayed, m.now));
  CHECK(m.state(delayed) == job_state::ready);
  m.take_id(s);
  CHECK_FALSE(m.engine.kick_job(ready, m.now));
  CHECK_FALSE(m.engine.kick_job(job_id{99}, m.now));
}

TEST_CASE("any session may delete a job that nobody holds, in any state and queue, but only once") {
  engine_fixture m;
  const auto s = m.session();
  const auto stranger = m.engine.open_session();
  const auto ready = m.put(s);
  const auto delayed = m.put(s, "d", {.delay = 5s});
  const auto buried = m.put(s, "b", {.priority = 0});
  m.engine.bury(s, m.take_id(s), 0, m.now);
  for (const auto job : {ready, delayed, buried}) {
    CHECK(m.engine.erase(stranger, job, m.now));
    CHECK_FALSE(m.engine.erase(stranger, job, m.now));
  }
  CHECK(m.engine.job_count() == 0);
  CHECK(m.engine.levels(m.queue()).jobs() == 0);
  CHECK(m.engine.levels(m.queue()).bytes() == 0);
  CHECK(m.engine.counts(m.queue()).deletes.value() == 3);
  CHECK(m.engine.counts(m.queue()).finished[static_cast<std::size_t>(outcome::deleted)].value() == 3);
  CHECK(m.engine.next_deadline() == never);
}

TEST_CASE("a queue knows how many jobs of each state it has, their bytes, and since when the oldest is in its state") {
  engine_fixture m;
  const auto s = m.session();
  const auto start = m.now;
  m.put(s, "12345", {.priority = 1'023});
  m.put(s, "123");
  m.pass(1s);
  m.put(s, "1234567", {.delay = 60s});
  m.take_id(s);
  const auto levels = m.engine.levels(m.queue());
  CHECK(levels.ready == 1);
  CHECK(levels.urgent == 0);
  CHECK(levels.reserved == 1);
  CHECK(levels.delayed == 1);
  CHECK(levels.ready_bytes == 3);
  CHECK(levels.reserved_bytes == 5);
  CHECK(levels.delayed_bytes == 7);
  CHECK(levels.oldest_ready == start);
  CHECK(levels.oldest_reserved == m.now);
  CHECK(levels.oldest_delayed == m.now);
  CHECK(levels.oldest_buried == never);
  CHECK(levels.using_sessions == 1);
  CHECK(levels.watching_sessions == 1);
}

TEST_CASE("a paused queue gives no job to any reserve until the pause ends") {
  engine_fixture m;
  const auto s = m.session();
  const auto other = m.session();
  m.put(s, "old");
  m.engine.pause(m.queue(), 5s, m.now).value();
  CHECK(m.take(s) == "-");
  CHECK(m.reserve(s, 60s) == reserve_status::waiting);
  m.put(other, "new", {.priority = 0});
  CHECK(m.events().empty());
  CHECK(m.engine.first_ready(m.queue())->content.view() == "new");
  CHECK(m.engine.levels(m.queue()).paused_for == 5s);
  m.pass(5s - 1ns);
  CHECK(m.events().empty());
  m.pass(1ns);
  CHECK(m.events() == texts{"granted 1: new"});
  CHECK(m.take(other) == "old");
  CHECK(m.engine.levels(m.queue()).paused_until == no_pause);
  CHECK(m.engine.levels(m.queue()).paused_for == 0s);
}

TEST_CASE("a new pause replaces the old one, and a pause of zero ends it at once") {
  engine_fixture m;
  const auto s = m.session();
  m.put(s, "x");
  m.engine.pause(m.queue(), 60s, m.now).value();
  m.engine.pause(m.queue(), 5s, m.now).value();
  CHECK(m.engine.next_deadline() == m.now + 5s);
  CHECK(m.reserve(s, 60s) == reserve_status::waiting);
  m.engine.pause(m.queue(), 0s, m.now).value();
  CHECK(m.events() == texts{"granted 1: x"});
  CHECK(m.engine.counts(m.queue()).pauses.value() == 3);
  CHECK(m.engine.pause(queue_id{77}, 1s, m.now).has_error());
}

TEST_CASE("the end of a pause serves a thousand waiting sessions a turn, and no new reserve overtakes the others") {
  engine_fixture m;
  const auto producer = m.session();
  m.engine.pause(m.queue(), 5s, m.now).value();
  for (int i = 0; i < 1'200; ++i) {
    m.put(producer);
    REQUIRE(m.reserve(m.session(), 60s) == reserve_status::waiting);
  }
  m.put(producer);
  m.pass(5s);
  const auto first_turn = m.events();
  CHECK(first_turn.size() == 1'000);
  CHECK(m.engine.next_deadline() <= m.now);
  CHECK(m.engine.levels(m.queue()).waiting_sessions == 200);
  CHECK(m.take(producer) == "job");
  const auto second_turn = m.events();
  CHECK(second_turn.size() == 200);
}
