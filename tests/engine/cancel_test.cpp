#include "engine/disk_fixture.hpp"
#include "engine/engine_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

TEST_CASE("a ready, delayed or buried job that is cancelled is gone, with that outcome") {
  engine_fixture m;
  const auto s = m.session();
  const auto state = GENERATE(job_state::ready, job_state::delayed, job_state::buried);
  const auto job = m.put(s, "in", {.delay = state == job_state::delayed ? duration{10s} : duration{0}});
  if (state == job_state::buried) m.finish(s, m.take_id(s), {.result = outcome::failed});
  REQUIRE(m.state(job) == state);
  CHECK(m.engine.cancel(job, m.now));
  CHECK_FALSE(m.engine.look(job).has_value());
  CHECK(m.engine.counts(m.queue()).finished[static_cast<std::size_t>(outcome::cancelled)].value() == 1);
  CHECK(m.engine.counts(m.queue()).deletes.value() == 0);
  CHECK(m.events().empty());
  CHECK_FALSE(m.engine.cancel(job, m.now));
}

TEST_CASE("what a client with a ttr says of a job that was cancelled is not found, and no event tells it") {
  engine_fixture m;
  const auto s = m.session();
  m.put(s);
  const auto job = m.take_id(s);
  CHECK(m.engine.cancel(job, m.now));
  CHECK(m.events().empty());
  CHECK_FALSE(m.engine.holds_jobs(s));
  CHECK_FALSE(m.engine.erase(s, job, m.now));
  CHECK_FALSE(m.engine.touch(s, job, m.now));
  CHECK(m.finish(s, job) == finish_status::not_found);
}

TEST_CASE("a holder without a deadline gets an event when its job is cancelled, and is free at once") {
  engine_fixture m;
  const auto s = m.session();
  m.put(s, "first");
  m.put(s, "second");
  const auto job = m.take_id(s, lease::unlimited);
  CHECK(m.engine.cancel(job, m.now));
  CHECK(m.events() == texts{"cancelled 1: 1"});
  CHECK(m.take(s) == "second");
  CHECK(m.finish(s, job) == finish_status::not_found);
}

TEST_CASE("a finish that waits for capacity ends with `not_found` when its job is cancelled") {
  engine_fixture m;
  const auto s = m.session();
  const auto full = m.declare("full", 1);
  m.put(m.session({"full"}));
  m.put(s);
  const auto job = m.take_id(s, lease::unlimited);
  CHECK(m.finish(s, job, {.outputs = {{full, {.content = body{"out"}}}}}) == finish_status::waiting);
  CHECK(m.engine.cancel(job, m.now));
  CHECK(m.events() == texts{"finish 1: 2 not_found"});
  CHECK(m.engine.levels(full).waiting_puts == 0);
}

TEST_CASE("a put that waits for capacity is admitted when a job is cancelled") {
  engine_fixture m;
  m.declare("q", 1);
  const auto s = m.session();
  const auto putter = m.session();
  const auto job = m.put(s);
  CHECK(m.offer(putter, "waits").status == put_status::waiting);
  CHECK(m.engine.cancel(job, m.now));
  CHECK(m.events() == texts{"put 2: 2"});
}

TEST_CASE("a session that waits for the body of a job that is cancelled waits for the next job, as the first of all") {
  disk_fixture m{memory_for(4)};
  m.engine.restore(left_on_disk(1, m.queue()), m.now);
  m.engine.end_restoring();
  const auto other = m.session();
  CHECK(m.reserve(m.client, 60s, lease::unlimited) == reserve_status::waiting);
  CHECK(m.reserve(other, 60s) == reserve_status::waiting);
  CHECK(m.engine.cancel(job_id{1}, m.now));
  CHECK(m.events().empty());
  m.put(m.session(), "next");
  CHECK(m.events() == texts{"granted 1: next"});
}

TEST_CASE("a session that waits for the body of a job by its id gets not_found when that job is cancelled") {
  disk_fixture m{memory_for(4)};
  m.engine.restore(left_on_disk(1, m.queue()), m.now);
  m.engine.end_restoring();
  CHECK(m.engine.reserve_job(m.client, job_id{1}, m.now).status == reserve_status::waiting);
  CHECK(m.engine.cancel(job_id{1}, m.now));
  CHECK(m.events() == texts{"not_found 1"});
}
