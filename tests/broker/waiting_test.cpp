#include "broker/broker_fixture.hpp"
#include "support/catch.hpp"

using namespace millrace;
using engine::reserve_status;
using testing::broker_fixture;

TEST_CASE("who waits for a job gets the one that is put next, at the next turn") {
  broker_fixture fixture;
  const auto queue = fixture.queue("work");
  broker_fixture::answer first;
  broker_fixture::answer second;
  fixture.reserve(fixture.watching_session("work"), first);
  fixture.reserve(fixture.watching_session("work"), second);
  fixture.loop.run_ready();
  CHECK_FALSE(first.reserved);

  fixture.put(queue, "a");
  CHECK_FALSE(first.reserved);
  fixture.loop.run_ready();

  REQUIRE(first.reserved);
  CHECK(first.reserved->status == reserve_status::reserved);
  CHECK(first.reserved->job.content.view() == "a");
  CHECK_FALSE(second.reserved);
}

TEST_CASE("a job that is there is taken without waiting, and nothing is said to be nothing") {
  broker_fixture fixture;
  const auto queue = fixture.queue("work");
  const auto session = fixture.watching_session("work");
  CHECK(fixture.broker.try_reserve(session, engine::lease::unlimited).answer.status == reserve_status::timed_out);

  fixture.put(queue, "a");
  const auto taken = fixture.broker.try_reserve(session, engine::lease::unlimited).answer;
  CHECK(taken.status == reserve_status::reserved);
  CHECK(fixture.broker.try_finish(session, {.job = taken.job.job}).answer == engine::finish_status::done);
  CHECK(fixture.levels(queue).jobs() == 0);
}

TEST_CASE("a wait for a job ends at its deadline with nothing") {
  broker_fixture fixture;
  fixture.queue("work");
  broker_fixture::answer waited;
  fixture.reserve(fixture.watching_session("work"), waited, fixture.loop.now() + seconds{2});

  fixture.loop.advance(milliseconds{1'999});
  CHECK_FALSE(waited.reserved);
  fixture.loop.advance(milliseconds{1});
  REQUIRE(waited.reserved);
  CHECK(waited.reserved->status == reserve_status::timed_out);
}

TEST_CASE("a put into a full queue waits until there is capacity, and the time is counted") {
  broker_fixture fixture;
  const auto queue = fixture.queue("small", {.max_jobs = 1});
  fixture.put(queue, "a");
  const auto answer = fixture.put(queue, "b");
  REQUIRE(answer.status == engine::put_status::waiting);
  broker_fixture::answer admitted;
  fixture.await_put(fixture.producer, admitted);
  fixture.loop.advance(seconds{3});
  CHECK_FALSE(admitted.put);
  CHECK(fixture.broker.held_puts().active() == 1);
  CHECK(fixture.broker.held_puts().total(fixture.loop.now()) == seconds{3});

  const auto session = fixture.watching_session("small");
  const auto taken = fixture.broker.try_reserve(session, engine::lease::unlimited).answer;
  static_cast<void>(fixture.broker.try_finish(session, {.job = taken.job.job}));
  CHECK(fixture.broker.held_puts().active() == 0);
  fixture.loop.advance(seconds{1});

  REQUIRE(admitted.put);
  CHECK(fixture.broker.engine().first_ready(queue)->job == *admitted.put);
  CHECK(fixture.broker.held_puts().total(fixture.loop.now()) == seconds{3});
}

TEST_CASE("a put that was admitted before anybody awaited it is not lost") {
  broker_fixture fixture;
  const auto queue = fixture.queue("small", {.max_jobs = 1});
  fixture.put(queue, "a");
  REQUIRE(fixture.put(queue, "b").status == engine::put_status::waiting);
  const auto session = fixture.watching_session("small");
  static_cast<void>(fixture.broker.try_finish(
      session, {.job = fixture.broker.try_reserve(session, engine::lease::unlimited).answer.job.job}));

  broker_fixture::answer admitted;
  fixture.await_put(fixture.producer, admitted);
  fixture.loop.run_ready();

  CHECK(admitted.put);
}

TEST_CASE("a queue that refuses says so at once and holds nobody") {
  broker_fixture fixture;
  const auto queue = fixture.queue("small", {.max_jobs = 1, .when_full = engine::overflow::reject});
  fixture.put(queue, "a");

  CHECK(fixture.put(queue, "b").status == engine::put_status::refused);
  CHECK(fixture.broker.held_puts().active() == 0);
}

TEST_CASE("the output of a finished job waits for capacity in its queue, and the time is counted") {
  testing::full_output_fixture fixture;

  const auto answer =
      fixture.broker.try_finish(fixture.holder, {.job = fixture.job, .outputs = {{fixture.to, {.content = body{"b"}}}}})
          .answer;
  REQUIRE(answer == engine::finish_status::waiting);
  broker_fixture::answer waited;
  fixture.await_finish(fixture.holder, fixture.job, waited);
  fixture.loop.advance(seconds{2});
  CHECK(fixture.broker.held_outputs().active() == 1);
  CHECK(fixture.levels(fixture.from).reserved == 1);

  const auto other = fixture.watching_session("to");
  static_cast<void>(fixture.broker.try_finish(
      other, {.job = fixture.broker.try_reserve(other, engine::lease::unlimited).answer.job.job}));
  fixture.loop.run_ready();

  CHECK(waited.finished.value() == engine::finish_status::done);
  CHECK(fixture.levels(fixture.from).jobs() == 0);
  CHECK(fixture.levels(fixture.to).ready == 1);
  CHECK(fixture.broker.held_outputs().total(fixture.loop.now()) == seconds{2});
}

TEST_CASE("a session that is closed gives back all it holds, in turns") {
  broker_fixture fixture;
  const auto queue = fixture.queue("work");
  const auto session = fixture.watching_session("work");
  constexpr std::size_t jobs = engine::moves_per_turn_max * 5 / 2;
  for (std::size_t i = 0; i < jobs; ++i) {
    fixture.put(queue, "a");
    static_cast<void>(fixture.broker.try_reserve(session, engine::lease::unlimited));
  }

  CHECK_FALSE(fixture.broker.try_close_session(session));
  CHECK(fixture.levels(queue).reserved > 0);
  fixture.scope.spawn("close", fixture.broker.close_session(session));
  fixture.loop.run_ready();

  CHECK(fixture.levels(queue).ready == jobs);
}

TEST_CASE("a queue nobody declared comes into being with the defaults") {
  broker_fixture fixture;
  fixture.broker.set_queue_defaults({.max_jobs = 3});

  const auto made = fixture.broker.find_or_declare("new").value();

  CHECK(fixture.broker.engine().options_of(made).max_jobs == 3);
  CHECK(fixture.broker.find_or_declare("new").value() == made);
}

TEST_CASE("when puts are refused for good, everything else goes on") {
  broker_fixture fixture;
  const auto queue = fixture.queue("work");
  fixture.put(queue, "a");
  fixture.broker.refuse_puts();

  CHECK(fixture.put(queue, "b").status == engine::put_status::draining);
  CHECK(fixture.broker.try_reserve(fixture.watching_session("work"), engine::lease::unlimited).answer.status ==
        reserve_status::reserved);
}
