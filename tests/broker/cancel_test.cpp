// A cancelled wait neither loses a job nor duplicates one.

#include "broker/broker_fixture.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::broker_fixture;

TEST_CASE("a cancelled wait for a job takes none: the next waiter gets it") {
  broker_fixture fixture;
  const auto queue = fixture.queue("work");
  broker_fixture::answer first;
  broker_fixture::answer second;
  const auto task = fixture.reserve(fixture.watching_session("work"), first);
  fixture.reserve(fixture.watching_session("work"), second);
  fixture.loop.run_ready();

  fixture.loop.cancel(task);
  fixture.loop.run_ready();
  fixture.put(queue, "a");
  fixture.loop.run_ready();

  CHECK(first.aborted);
  REQUIRE(second.reserved);
  CHECK(fixture.levels(queue).reserved == 1);
}

TEST_CASE("a job granted before the cancellation comes through belongs to the session that waited for it") {
  broker_fixture fixture;
  const auto queue = fixture.queue("work");
  broker_fixture::answer waited;
  const auto task = fixture.reserve(fixture.watching_session("work"), waited);
  fixture.loop.run_ready();

  SECTION("granted first") {
    fixture.put(queue, "a");
    fixture.loop.cancel(task);
  }
  SECTION("cancelled first, in the same turn") {
    fixture.loop.cancel(task);
    fixture.put(queue, "a");
  }
  fixture.loop.run_ready();

  CHECK_FALSE(waited.aborted);
  REQUIRE(waited.reserved);
  CHECK(waited.reserved->status == engine::reserve_status::reserved);
  CHECK(fixture.levels(queue).reserved == 1);
  CHECK(fixture.levels(queue).ready == 0);
}

TEST_CASE("a cancelled put leaves the line and is not in the queue") {
  broker_fixture fixture;
  const auto queue = fixture.queue("small", {.max_jobs = 1});
  fixture.put(queue, "a");
  fixture.put(queue, "b");
  broker_fixture::answer waited;
  const auto task = fixture.await_put(fixture.producer, waited);
  fixture.loop.advance(seconds{1});

  fixture.loop.cancel(task);
  fixture.loop.run_ready();

  CHECK(waited.aborted);
  CHECK(fixture.levels(queue).waiting_puts == 0);
  CHECK(fixture.broker.held_puts().active() == 0);
  CHECK(fixture.broker.held_puts().total(fixture.loop.now()) == seconds{1});
  const auto session = fixture.watching_session("small");
  static_cast<void>(fixture.broker.try_finish(
      session, {.job = fixture.broker.try_reserve(session, engine::lease::unlimited).answer.job.job}));
  CHECK(fixture.levels(queue).jobs() == 0);
}

TEST_CASE("a put admitted in the turn of its cancellation is in the queue, once") {
  broker_fixture fixture;
  const auto queue = fixture.queue("small", {.max_jobs = 1});
  fixture.put(queue, "a");
  fixture.put(queue, "b");
  broker_fixture::answer waited;
  const auto task = fixture.await_put(fixture.producer, waited);
  fixture.loop.run_ready();

  fixture.loop.cancel(task);
  const auto session = fixture.watching_session("small");
  static_cast<void>(fixture.broker.try_finish(
      session, {.job = fixture.broker.try_reserve(session, engine::lease::unlimited).answer.job.job}));
  fixture.loop.run_ready();

  CHECK(waited.put);
  CHECK(fixture.levels(queue).ready == 1);
}

TEST_CASE("a cancelled wait for capacity in an output queue leaves the job with its holder") {
  testing::full_output_fixture fixture;
  static_cast<void>(fixture.broker.try_finish(fixture.holder,
                                              {.job = fixture.job, .outputs = {{fixture.to, {.content = body{"b"}}}}}));
  broker_fixture::answer waited;
  const auto task = fixture.await_finish(fixture.holder, fixture.job, waited);
  fixture.loop.run_ready();

  fixture.loop.cancel(task);
  fixture.loop.run_ready();

  CHECK(waited.aborted);
  CHECK(fixture.levels(fixture.from).reserved == 1);
  CHECK(fixture.levels(fixture.to).jobs() == 1);
  CHECK(fixture.broker.held_outputs().active() == 0);
  CHECK(fixture.broker.release(fixture.holder, fixture.job, engine::default_priority, {}).answer);
  CHECK(fixture.levels(fixture.from).ready == 1);
}

TEST_CASE("closing a session that waits ends its wait and its stay") {
  broker_fixture fixture;
  const auto queue = fixture.queue("small", {.max_jobs = 1});
  fixture.put(queue, "a");
  fixture.put(queue, "b");

  CHECK(fixture.broker.try_close_session(fixture.producer));

  CHECK(fixture.broker.held_puts().active() == 0);
  CHECK(fixture.levels(queue).waiting_puts == 0);
}
