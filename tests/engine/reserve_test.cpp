#include "engine/engine_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

TEST_CASE("the smallest priority is served first, and of one priority the job that was put first") {
  engine_fixture m;
  const auto s = m.session();
  m.put(s, "b1", {.priority = 5});
  m.put(s, "c1", {.priority = 9});
  m.put(s, "b2", {.priority = 5});
  m.put(s, "a1", {.priority = 0});
  CHECK(m.take_all(s) == "a1 b1 b2 c1");
}

TEST_CASE("a job that comes back takes the place that its id gives it") {
  engine_fixture m;
  const auto s = m.session();
  m.put(s, "1");
  m.put(s, "2");
  m.put(s, "3");
  const auto first = m.take_id(s);
  const auto second = m.take_id(s);
  m.put(s, "4");
  REQUIRE(m.engine.release(s, second, default_priority, 0s, m.now));
  REQUIRE(m.engine.release(s, first, default_priority, 0s, m.now));
  CHECK(m.take_all(s) == "1 2 3 4");
}

TEST_CASE("more priorities than lanes are served in order all the same") {
  engine_fixture m;
  const auto s = m.session();
  for (const priority urgency : {40u, 3u, 17u, 9u, 22u, 1u, 30u, 12u, 5u, 28u, 2u, 11u, 39u, 4u}) {
    m.put(s, std::to_string(urgency), {.priority = urgency});
    m.put(s, std::to_string(urgency) + "b", {.priority = urgency});
  }
  CHECK(m.take_all(s) == "1 1b 2 2b 3 3b 4 4b 5 5b 9 9b 11 11b 12 12b 17 17b 22 22b 28 28b 30 30b 39 39b 40 40b");
}

TEST_CASE("a reserve takes the best job over all watched queues, and none of a queue that is not watched") {
  engine_fixture m;
  const auto a = m.session({"a"});
  const auto b = m.session({"b"});
  const auto c = m.session({"c"});
  m.put(c, "c", {.priority = 0});
  m.put(a, "a5", {.priority = 5});
  m.put(b, "b1", {.priority = 1});
  m.put(b, "b5", {.priority = 5});
  const auto both = m.session({"b", "a"});
  CHECK(m.take_all(both) == "b1 a5 b5");
}

TEST_CASE("a reserve that does not wait answers timed_out at once") {
  engine_fixture m;
  const auto s = m.session();
  CHECK(m.reserve(s) == reserve_status::timed_out);
  CHECK(m.engine.reserve(s, lease::ttr, m.now - 1s, m.now).status == reserve_status::timed_out);
  CHECK(m.engine.levels(m.queue()).waiting_sessions == 0);
}

TEST_CASE("a reserve that waits gives up at its time, not before") {
  engine_fixture m;
  const auto s = m.session();
  CHECK(m.reserve(s, 5s) == reserve_status::waiting);
  CHECK(m.engine.next_deadline() == m.now + 5s);
  m.pass(5s - 1ns);
  CHECK(m.events().empty());
  m.pass(1ns);
  CHECK(m.events() == texts{"timed_out 1"});
  CHECK(m.engine.next_deadline() == never);
}

TEST_CASE("each new job wakes one waiter, the one that began to wait first") {
  engine_fixture m;
  const auto producer = m.session({"q"});
  const auto first = m.session();
  const auto second = m.session();
  const auto three = m.session();
  for (const auto s : {second, first, three}) CHECK(m.reserve(s, 60s) == reserve_status::waiting);
  m.put(producer, "x");
  CHECK(m.events() == texts{"granted 3: x"});
  m.put(producer, "y");
  m.put(producer, "z");
  CHECK(m.events() == texts{"granted 2: y", "granted 4: z"});
  m.put(producer, "left");
  CHECK(m.events().empty());
}

TEST_CASE("a waiter of several queues is woken once and leaves all their lines") {
  engine_fixture m;
  const auto a = m.session({"a"});
  const auto b = m.session({"b"});
  const auto both = m.session({"a", "b"});
  CHECK(m.reserve(both, 60s) == reserve_status::waiting);
  CHECK(m.engine.levels(m.queue("b")).waiting_sessions == 1);
  m.put(a, "a1");
  CHECK(m.events() == texts{"granted 3: a1"});
  CHECK(m.engine.levels(m.queue("b")).waiting_sessions == 0);
  m.put(b, "b1");
  CHECK(m.events().empty());
  CHECK(m.engine.next_deadline() == m.now + default_ttr - 1s);
}

TEST_CASE("a session that watches nothing is never granted anything") {
  engine_fixture m;
  const auto s = m.engine.open_session();
  CHECK(m.reserve(s) == reserve_status::timed_out);
  CHECK(m.reserve(s, 1s) == reserve_status::waiting);
  m.put(m.session(), "x");
  m.pass(1s);
  CHECK(m.events() == texts{"timed_out 1"});
}

TEST_CASE("a reserve that is withdrawn swallows no job") {
  engine_fixture m;
  const auto producer = m.session();
  const auto s = m.session();
  CHECK(m.reserve(s, 60s) == reserve_status::waiting);
  CHECK(m.engine.withdraw_reserve(s));
  CHECK_FALSE(m.engine.withdraw_reserve(s));
  m.put(producer, "x");
  CHECK(m.events().empty());
  CHECK(m.take(s) == "x");
  CHECK(m.engine.next_deadline() == m.now + default_ttr - 1s);
}

TEST_CASE("a job may be reserved by its id when it is ready, delayed or buried, but not when it is reserved") {
  engine_fixture m;
  const auto s = m.session();
  const auto other = m.session({"elsewhere"});
  const auto ready = m.put(s);
  const auto delayed = m.put(s, "d", {.delay = 10s});
  const auto buried = m.put(s, "b", {.priority = 0});
  REQUIRE(m.take_id(s) == buried);
  REQUIRE(m.engine.bury(s, buried, 7, m.now));
  m.engine.pause(m.queue(), 60s, m.now).value();
  for (const auto job : {ready, delayed, buried}) {
    CHECK(m.engine.reserve_job(other, job, m.now).status == reserve_status::reserved);
    CHECK(m.engine.reserve_job(other, job, m.now).status == reserve_status::not_found);
    CHECK(m.engine.reserve_job(s, job, m.now).status == reserve_status::not_found);
  }
  CHECK(m.engine.reserve_job(s, job_id{99}, m.now).status == reserve_status::not_found);
  CHECK(m.engine.look(buried)->reserves == 2);
  CHECK(m.engine.counts(m.queue()).reserved.value() == 4);
}

TEST_CASE("the answer to a reserve has the job's id, queue, body, priority, reserves and times") {
  engine_fixture m;
  const auto s = m.session();
  const auto put_at = m.now;
  const auto job = m.put(s, "body", {.priority = 3, .delay = 2s});
  m.pass(2s);
  m.now += 3s;
  const auto answer = m.engine.reserve(s, lease::ttr, m.now, m.now);
  REQUIRE(answer.status == reserve_status::reserved);
  CHECK(answer.job.job == job);
  CHECK(answer.job.queue == m.queue());
  CHECK(answer.job.content.view() == "body");
  CHECK(answer.job.reserves == 1);
  CHECK(answer.job.priority == 3);
  CHECK(answer.job.put_at == put_at);
  CHECK(answer.job.ready_since == put_at + 2s);
}

TEST_CASE("a wait is timed from ready to reserved, service from reserved to done") {
  engine_fixture m;
  const auto s = m.session();
  m.put(s);
  m.pass(2s);
  const auto job = m.take_id(s);
  m.pass(3s);
  REQUIRE(m.finish(s, job) == finish_status::done);
  const auto& times = m.engine.timings(m.queue());
  CHECK(times.wait.sum() == 2s);
  CHECK(times.service.sum() == 3s);
  CHECK(times.end_to_end.sum() == 5s);
  CHECK(m.engine.other_timings().wait.count() == 0);
}

TEST_CASE("queues without a row in the metrics share one set of histograms") {
  engine_fixture m{{.queue_rows_max = 1}};
  m.session({"first"});
  const auto s = m.session({"second"});
  m.put(s);
  m.take_id(s);
  CHECK(m.engine.timings(m.queue("first")).wait.count() == 0);
  CHECK(m.engine.timings(m.queue("second")).wait.count() == 1);
  CHECK(&m.engine.timings(m.queue("second")) == &m.engine.other_timings());
}

TEST_CASE("the next ready job of a session is the one that a reserve gives it, with the time since when it is ready") {
  engine_fixture m;
  const auto s = m.session({"q", "paused", "other"});
  const auto other = m.session({"other"});
  CHECK_FALSE(m.engine.next_ready(s));
  m.put(m.session({"paused"}), "paused", {.priority = 0});
  REQUIRE(m.engine.pause(m.queue("paused"), 1h, m.now));
  m.put(s, "late", {.priority = 9});
  m.pass(2s);
  const auto since = m.now;
  const auto job = m.put(other, "first", {.priority = 3});
  m.pass(5s);
  m.put(other, "second", {.priority = 3});

  const auto next = m.engine.next_ready(s);

  REQUIRE(next);
  CHECK(next->job == job);
  CHECK(next->since == since);
  CHECK(m.take_id(s) == job);
  CHECK_FALSE(m.engine.next_ready(m.session({"nothing here"})));
  CHECK_FALSE(m.engine.next_ready(session_id{1'000}));
}
