#include "engine/disk_fixture.hpp"
#include "engine/engine_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

TEST_CASE("a ready, delayed or buried job that is cancelled is gone, with that outcome") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto state = GENERATE(job_state::ready, job_state::delayed, job_state::buried);
  const auto job = fixture.put(s, "in", {.delay = state == job_state::delayed ? duration{10s} : duration{0}});
  if (state == job_state::buried) fixture.finish(s, fixture.take_id(s), {.result = outcome::failed});
  REQUIRE(fixture.state(job) == state);
  CHECK(fixture.engine.cancel(job, fixture.now));
  CHECK_FALSE(fixture.engine.look(job).has_value());
  CHECK(fixture.engine.counts(fixture.queue()).finished[static_cast<std::size_t>(outcome::cancelled)].value() == 1);
  CHECK(fixture.engine.counts(fixture.queue()).deletes.value() == 0);
  CHECK(fixture.events().empty());
  CHECK_FALSE(fixture.engine.cancel(job, fixture.now));
}

TEST_CASE("what a client with a ttr says of a job that was cancelled is not found, and no event tells it") {
  engine_fixture fixture;
  const auto s = fixture.session();
  fixture.put(s);
  const auto job = fixture.take_id(s);
  CHECK(fixture.engine.cancel(job, fixture.now));
  CHECK(fixture.events().empty());
  CHECK_FALSE(fixture.engine.holds_jobs(s));
  CHECK_FALSE(fixture.engine.erase(s, job, fixture.now));
  CHECK_FALSE(fixture.engine.touch(s, job, fixture.now));
  CHECK(fixture.finish(s, job) == finish_status::not_found);
}

TEST_CASE("a holder without a deadline gets an event when its job is cancelled, and is free at once") {
  engine_fixture fixture;
  const auto s = fixture.session();
  fixture.put(s, "first");
  fixture.put(s, "second");
  const auto job = fixture.take_id(s, lease::unlimited);
  CHECK(fixture.engine.cancel(job, fixture.now));
  CHECK(fixture.events() == texts{"cancelled 1: 1"});
  CHECK(fixture.take(s) == "second");
  CHECK(fixture.finish(s, job) == finish_status::not_found);
}

TEST_CASE("a finish that waits for capacity ends with `not_found` when its job is cancelled") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto full = fixture.declare("full", 1);
  fixture.put(fixture.session({"full"}));
  fixture.put(s);
  const auto job = fixture.take_id(s, lease::unlimited);
  CHECK(fixture.finish(s, job, {.outputs = {{full, {.content = body{"out"}}}}}) == finish_status::waiting);
  CHECK(fixture.engine.cancel(job, fixture.now));
  CHECK(fixture.events() == texts{"finish 1: 2 not_found"});
  CHECK(fixture.engine.levels(full).waiting_puts == 0);
}

TEST_CASE("a put that waits for capacity is admitted when a job is cancelled") {
  engine_fixture fixture;
  fixture.declare("q", 1);
  const auto s = fixture.session();
  const auto putter = fixture.session();
  const auto job = fixture.put(s);
  CHECK(fixture.offer(putter, "waits").status == put_status::waiting);
  CHECK(fixture.engine.cancel(job, fixture.now));
  CHECK(fixture.events() == texts{"put 2: 2"});
}

TEST_CASE("a session that waits for the body of a job that is cancelled waits for the next job, as the first of all") {
  disk_fixture fixture{memory_for(4)};
  fixture.engine.restore(left_on_disk(1, fixture.queue()), fixture.now);
  fixture.engine.end_restoring();
  const auto other = fixture.session();
  CHECK(fixture.reserve(fixture.client, 60s, lease::unlimited) == reserve_status::waiting);
  CHECK(fixture.reserve(other, 60s) == reserve_status::waiting);
  CHECK(fixture.engine.cancel(job_id{1}, fixture.now));
  CHECK(fixture.events().empty());
  fixture.put(fixture.session(), "next");
  CHECK(fixture.events() == texts{"granted 1: next"});
}

TEST_CASE("a session that waits for the body of a job by its id gets not_found when that job is cancelled") {
  disk_fixture fixture{memory_for(4)};
  fixture.engine.restore(left_on_disk(1, fixture.queue()), fixture.now);
  fixture.engine.end_restoring();
  CHECK(fixture.engine.reserve_job(fixture.client, job_id{1}, fixture.now).status == reserve_status::waiting);
  CHECK(fixture.engine.cancel(job_id{1}, fixture.now));
  CHECK(fixture.events() == texts{"not_found 1"});
}
