#include "engine/engine_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

TEST_CASE("the smallest priority is served first, and of one priority the job that was put first") {
  engine_fixture fixture;
  const auto s = fixture.session();
  fixture.put(s, "b1", {.priority = 5});
  fixture.put(s, "c1", {.priority = 9});
  fixture.put(s, "b2", {.priority = 5});
  fixture.put(s, "a1", {.priority = 0});
  CHECK(fixture.take_all(s) == "a1 b1 b2 c1");
}

TEST_CASE("a job that comes back takes the place that its id gives it") {
  engine_fixture fixture;
  const auto s = fixture.session();
  fixture.put(s, "1");
  fixture.put(s, "2");
  fixture.put(s, "3");
  const auto first = fixture.take_id(s);
  const auto second = fixture.take_id(s);
  fixture.put(s, "4");
  REQUIRE(fixture.engine.release(s, second, default_priority, 0s, fixture.now));
  REQUIRE(fixture.engine.release(s, first, default_priority, 0s, fixture.now));
  CHECK(fixture.take_all(s) == "1 2 3 4");
}

TEST_CASE("more priorities than lanes are served in order all the same") {
  engine_fixture fixture;
  const auto s = fixture.session();
  for (const priority urgency : {40u, 3u, 17u, 9u, 22u, 1u, 30u, 12u, 5u, 28u, 2u, 11u, 39u, 4u}) {
    fixture.put(s, std::to_string(urgency), {.priority = urgency});
    fixture.put(s, std::to_string(urgency) + "b", {.priority = urgency});
  }
  CHECK(fixture.take_all(s) == "1 1b 2 2b 3 3b 4 4b 5 5b 9 9b 11 11b 12 12b 17 17b 22 22b 28 28b 30 30b 39 39b 40 40b");
}

TEST_CASE("a reserve takes the best job over all watched queues, and none of a queue that is not watched") {
  engine_fixture fixture;
  const auto a = fixture.session({"a"});
  const auto b = fixture.session({"b"});
  const auto c = fixture.session({"c"});
  fixture.put(c, "c", {.priority = 0});
  fixture.put(a, "a5", {.priority = 5});
  fixture.put(b, "b1", {.priority = 1});
  fixture.put(b, "b5", {.priority = 5});
  const auto both = fixture.session({"b", "a"});
  CHECK(fixture.take_all(both) == "b1 a5 b5");
}

TEST_CASE("a reserve that does not wait answers timed_out at once") {
  engine_fixture fixture;
  const auto s = fixture.session();
  CHECK(fixture.reserve(s) == reserve_status::timed_out);
  CHECK(fixture.engine.reserve(s, lease::ttr, fixture.now - 1s, fixture.now).status == reserve_status::timed_out);
  CHECK(fixture.engine.levels(fixture.queue()).waiting_sessions == 0);
}

TEST_CASE("a reserve that waits gives up at its time, not before") {
  engine_fixture fixture;
  const auto s = fixture.session();
  CHECK(fixture.reserve(s, 5s) == reserve_status::waiting);
  CHECK(fixture.engine.next_deadline() == fixture.now + 5s);
  fixture.pass(5s - 1ns);
  CHECK(fixture.events().empty());
  fixture.pass(1ns);
  CHECK(fixture.events() == texts{"timed_out 1"});
  CHECK(fixture.engine.next_deadline() == never);
}

TEST_CASE("each new job wakes one waiter, the one that began to wait first") {
  engine_fixture fixture;
  const auto producer = fixture.session({"q"});
  const auto first = fixture.session();
  const auto second = fixture.session();
  const auto three = fixture.session();
  for (const auto s : {second, first, three}) CHECK(fixture.reserve(s, 60s) == reserve_status::waiting);
  fixture.put(producer, "x");
  CHECK(fixture.events() == texts{"granted 3: x"});
  fixture.put(producer, "y");
  fixture.put(producer, "z");
  CHECK(fixture.events() == texts{"granted 2: y", "granted 4: z"});
  fixture.put(producer, "left");
  CHECK(fixture.events().empty());
}

TEST_CASE("a waiter of several queues is woken once and leaves all their lines") {
  engine_fixture fixture;
  const auto a = fixture.session({"a"});
  const auto b = fixture.session({"b"});
  const auto both = fixture.session({"a", "b"});
  CHECK(fixture.reserve(both, 60s) == reserve_status::waiting);
  CHECK(fixture.engine.levels(fixture.queue("b")).waiting_sessions == 1);
  fixture.put(a, "a1");
  CHECK(fixture.events() == texts{"granted 3: a1"});
  CHECK(fixture.engine.levels(fixture.queue("b")).waiting_sessions == 0);
  fixture.put(b, "b1");
  CHECK(fixture.events().empty());
  CHECK(fixture.engine.next_deadline() == fixture.now + default_ttr - 1s);
}

TEST_CASE("a session that watches nothing is never granted anything") {
  engine_fixture fixture;
  const auto s = fixture.engine.open_session();
  CHECK(fixture.reserve(s) == reserve_status::timed_out);
  CHECK(fixture.reserve(s, 1s) == reserve_status::waiting);
  fixture.put(fixture.session(), "x");
  fixture.pass(1s);
  CHECK(fixture.events() == texts{"timed_out 1"});
}

TEST_CASE("a reserve that is withdrawn swallows no job") {
  engine_fixture fixture;
  const auto producer = fixture.session();
  const auto s = fixture.session();
  CHECK(fixture.reserve(s, 60s) == reserve_status::waiting);
  CHECK(fixture.engine.withdraw_reserve(s));
  CHECK_FALSE(fixture.engine.withdraw_reserve(s));
  fixture.put(producer, "x");
  CHECK(fixture.events().empty());
  CHECK(fixture.take(s) == "x");
  CHECK(fixture.engine.next_deadline() == fixture.now + default_ttr - 1s);
}

TEST_CASE("a job may be reserved by its id when it is ready, delayed or buried, but not when it is reserved") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto other = fixture.session({"elsewhere"});
  const auto ready = fixture.put(s);
  const auto delayed = fixture.put(s, "d", {.delay = 10s});
  const auto buried = fixture.put(s, "b", {.priority = 0});
  REQUIRE(fixture.take_id(s) == buried);
  REQUIRE(fixture.engine.bury(s, buried, 7, fixture.now));
  fixture.engine.pause(fixture.queue(), 60s, fixture.now).value();
  for (const auto job : {ready, delayed, buried}) {
    CHECK(fixture.engine.reserve_job(other, job, fixture.now).status == reserve_status::reserved);
    CHECK(fixture.engine.reserve_job(other, job, fixture.now).status == reserve_status::not_found);
    CHECK(fixture.engine.reserve_job(s, job, fixture.now).status == reserve_status::not_found);
  }
  CHECK(fixture.engine.reserve_job(s, job_id{99}, fixture.now).status == reserve_status::not_found);
  CHECK(fixture.engine.look(buried)->reserves == 2);
  CHECK(fixture.engine.counts(fixture.queue()).reserved.value() == 4);
}

TEST_CASE("the answer to a reserve has the job's id, queue, body, priority, reserves and times") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto put_at = fixture.now;
  const auto job = fixture.put(s, "body", {.priority = 3, .delay = 2s});
  fixture.pass(2s);
  fixture.now += 3s;
  const auto answer = fixture.engine.reserve(s, lease::ttr, fixture.now, fixture.now);
  REQUIRE(answer.status == reserve_status::reserved);
  CHECK(answer.job.job == job);
  CHECK(answer.job.queue == fixture.queue());
  CHECK(answer.job.content.view() == "body");
  CHECK(answer.job.reserves == 1);
  CHECK(answer.job.priority == 3);
  CHECK(answer.job.put_at == put_at);
  CHECK(answer.job.ready_since == put_at + 2s);
}

TEST_CASE("a wait is timed from ready to reserved, service from reserved to done") {
  engine_fixture fixture;
  const auto s = fixture.session();
  fixture.put(s);
  fixture.pass(2s);
  const auto job = fixture.take_id(s);
  fixture.pass(3s);
  REQUIRE(fixture.finish(s, job) == finish_status::done);
  const auto& times = fixture.engine.timings(fixture.queue());
  CHECK(times.wait.sum() == 2s);
  CHECK(times.service.sum() == 3s);
  CHECK(times.end_to_end.sum() == 5s);
  CHECK(fixture.engine.other_timings().wait.count() == 0);
}

TEST_CASE("queues without a row in the metrics share one set of histograms") {
  engine_fixture fixture{{.queue_rows_max = 1}};
  fixture.session({"first"});
  const auto s = fixture.session({"second"});
  fixture.put(s);
  fixture.take_id(s);
  CHECK(fixture.engine.timings(fixture.queue("first")).wait.count() == 0);
  CHECK(fixture.engine.timings(fixture.queue("second")).wait.count() == 1);
  CHECK(&fixture.engine.timings(fixture.queue("second")) == &fixture.engine.other_timings());
}

TEST_CASE("the next ready job of a session is the one that a reserve gives it, with the time since when it is ready") {
  engine_fixture fixture;
  const auto s = fixture.session({"q", "paused", "other"});
  const auto other = fixture.session({"other"});
  CHECK_FALSE(fixture.engine.next_ready(s));
  fixture.put(fixture.session({"paused"}), "paused", {.priority = 0});
  REQUIRE(fixture.engine.pause(fixture.queue("paused"), 1h, fixture.now));
  fixture.put(s, "late", {.priority = 9});
  fixture.pass(2s);
  const auto since = fixture.now;
  const auto job = fixture.put(other, "first", {.priority = 3});
  fixture.pass(5s);
  fixture.put(other, "second", {.priority = 3});

  const auto next = fixture.engine.next_ready(s);

  REQUIRE(next);
  CHECK(next->job == job);
  CHECK(next->since == since);
  CHECK(fixture.take_id(s) == job);
  CHECK_FALSE(fixture.engine.next_ready(fixture.session({"nothing here"})));
  CHECK_FALSE(fixture.engine.next_ready(session_id{1'000}));
}
