// Jobs that somebody else cancels.

#include <vector>

#include "broker/broker_fixture.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::broker_fixture;

namespace {

/// A consumer's session that holds the job `a`, with another job `b` behind it.
struct held_job_fixture : broker_fixture {
  held_job_fixture() {
    put(work, "a");
    put(work, "b");
    broker.set_on_cancelled(holder, [this](job_id job) { cancelled.push_back(job); });
    held = broker.try_reserve(holder, engine::lease::unlimited).answer.job.job;
  }

  queue_id work{queue("work")};
  session_id holder{watching_session("work")};
  job_id held;
  std::vector<job_id> cancelled;
};

}  // namespace

TEST_CASE("the holder of a job without a deadline is called when the job is cancelled, and can take another") {
  held_job_fixture fixture;
  CHECK(fixture.broker.cancel(fixture.held).answer);
  CHECK(fixture.cancelled == std::vector{fixture.held});
  CHECK_FALSE(fixture.broker.cancel(fixture.held).answer);
  CHECK(fixture.broker.try_finish(fixture.holder, {.job = fixture.held}).answer == engine::finish_status::not_found);
  CHECK(fixture.broker.try_reserve(fixture.holder, engine::lease::unlimited).answer.job.content.view() == "b");
}

TEST_CASE("the cancellation of a job that nobody holds calls nobody but those who wait for empty queues") {
  held_job_fixture fixture;
  int times_left = 0;
  const auto left = fixture.broker.subscribe_job_left([&] { ++times_left; });
  CHECK(fixture.broker.cancel(job_id{2}).answer);
  CHECK(times_left == 1);
  CHECK(fixture.cancelled.empty());
}

TEST_CASE("an expired job that is released becomes a dead letter, and those who wait for empty queues are called") {
  broker_fixture fixture;
  fixture.queue("letters");
  const auto work = fixture.queue("work", {.dead_letter = "letters", .expire_after = seconds{1}});
  const auto holder = fixture.watching_session("work");
  const auto job = fixture.put(work, "a").job;
  REQUIRE(fixture.broker.try_reserve(holder, engine::lease::unlimited).answer.status ==
          engine::reserve_status::reserved);
  fixture.loop.advance(seconds{2});
  int times_left = 0;
  const auto left = fixture.broker.subscribe_job_left([&] { ++times_left; });
  CHECK(fixture.broker.release(holder, job, engine::default_priority, {}).answer);
  CHECK(fixture.levels(work).jobs() == 0);
  CHECK(fixture.broker.engine().job_count() == 1);
  CHECK(times_left == 1);
}

TEST_CASE("a session that is closed is not called any more") {
  held_job_fixture fixture;
  CHECK(fixture.broker.try_close_session(fixture.holder, engine::session_end::returned));
  CHECK(fixture.broker.cancel(fixture.held).answer);
  CHECK(fixture.cancelled.empty());
}

TEST_CASE("a session that gives its jobs back interrupts none; one that is lost does") {
  held_job_fixture fixture;
  const auto end = GENERATE(engine::session_end::returned, engine::session_end::lost);
  CHECK(fixture.broker.try_close_session(fixture.holder, end));
  CHECK(fixture.broker.engine().look(fixture.held)->interruptions == (end == engine::session_end::lost ? 1 : 0));
}
