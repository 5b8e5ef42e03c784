// A cancelled wait neither loses a job nor duplicates one.

#include "broker/broker_fixture.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::broker_fixture;

TEST_CASE("a cancelled wait for a job takes none: the next waiter gets it") {
  broker_fixture at;
  const auto queue = at.queue("work");
  broker_fixture::answer first;
  broker_fixture::answer second;
  const auto task = at.reserve(at.watcher("work"), first);
  at.reserve(at.watcher("work"), second);
  at.loop.run_ready();

  at.loop.cancel(task);
  at.loop.run_ready();
  at.put(queue, "a");
  at.loop.run_ready();

  CHECK(first.aborted);
  REQUIRE(second.taken);
  CHECK(at.levels(queue).reserved == 1);
}

TEST_CASE("a job granted before the cancellation comes through belongs to the session that waited for it") {
  broker_fixture at;
  const auto queue = at.queue("work");
  broker_fixture::answer waited;
  const auto task = at.reserve(at.watcher("work"), waited);
  at.loop.run_ready();

  SECTION("granted first") {
    at.put(queue, "a");
    at.loop.cancel(task);
  }
  SECTION("cancelled first, in the same turn") {
    at.loop.cancel(task);
    at.put(queue, "a");
  }
  at.loop.run_ready();

  CHECK_FALSE(waited.aborted);
  REQUIRE(waited.taken);
  CHECK(waited.taken->status == engine::reserve_status::reserved);
  CHECK(at.levels(queue).reserved == 1);
  CHECK(at.levels(queue).ready == 0);
}

TEST_CASE("a cancelled put leaves the line and is not in the queue") {
  broker_fixture at;
  const auto queue = at.queue("small", {.max_jobs = 1});
  at.put(queue, "a");
  at.put(queue, "b");
  broker_fixture::answer waited;
  const auto task = at.await_put(at.producer, waited);
  at.loop.advance(seconds{1});

  at.loop.cancel(task);
  at.loop.run_ready();

  CHECK(waited.aborted);
  CHECK(at.levels(queue).waiting_puts == 0);
  CHECK(at.broker.held_puts().active() == 0);
  CHECK(at.broker.held_puts().total(at.loop.now()) == seconds{1});
  const auto session = at.watcher("small");
  static_cast<void>(
      at.broker.try_finish(session, {.job = at.broker.try_reserve(session, engine::lease::unlimited).answer.job.job}));
  CHECK(at.levels(queue).jobs() == 0);
}

TEST_CASE("a put admitted in the turn of its cancellation is in the queue, once") {
  broker_fixture at;
  const auto queue = at.queue("small", {.max_jobs = 1});
  at.put(queue, "a");
  at.put(queue, "b");
  broker_fixture::answer waited;
  const auto task = at.await_put(at.producer, waited);
  at.loop.run_ready();

  at.loop.cancel(task);
  const auto session = at.watcher("small");
  static_cast<void>(
      at.broker.try_finish(session, {.job = at.broker.try_reserve(session, engine::lease::unlimited).answer.job.job}));
  at.loop.run_ready();

  CHECK(waited.put);
  CHECK(at.levels(queue).ready == 1);
}

TEST_CASE("a cancelled wait for capacity in an output queue leaves the job with its holder") {
  broker_fixture at;
  const auto from = at.queue("from");
  const auto to = at.queue("to", {.max_jobs = 1});
  at.put(to, "in the way");
  const auto job = at.put(from, "a").job;
  const auto session = at.watcher("from");
  static_cast<void>(at.broker.try_reserve(session, engine::lease::unlimited));
  static_cast<void>(at.broker.try_finish(session, {.job = job, .outputs = {{to, {.content = body{"b"}}}}}));
  broker_fixture::answer waited;
  const auto task = at.await_finish(session, job, waited);
  at.loop.run_ready();

  at.loop.cancel(task);
  at.loop.run_ready();

  CHECK(waited.aborted);
  CHECK(at.levels(from).reserved == 1);
  CHECK(at.levels(to).jobs() == 1);
  CHECK(at.broker.held_outputs().active() == 0);
  CHECK(at.broker.release(session, job, engine::default_priority, {}).answer);
  CHECK(at.levels(from).ready == 1);
}

TEST_CASE("closing a session that waits ends its wait and its stay") {
  broker_fixture at;
  const auto queue = at.queue("small", {.max_jobs = 1});
  at.put(queue, "a");
  at.put(queue, "b");

  CHECK(at.broker.try_close_session(at.producer));

  CHECK(at.broker.held_puts().active() == 0);
  CHECK(at.levels(queue).waiting_puts == 0);
}
