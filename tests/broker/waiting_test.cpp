#include "broker/broker_fixture.hpp"
#include "support/catch.hpp"

using namespace millrace;
using engine::reserve_status;
using testing::broker_fixture;

TEST_CASE("who waits for a job gets the one that is put next, at the next turn") {
  broker_fixture at;
  const auto queue = at.queue("work");
  broker_fixture::answer first;
  broker_fixture::answer second;
  at.reserve(at.watcher("work"), first);
  at.reserve(at.watcher("work"), second);
  at.loop.run_ready();
  CHECK_FALSE(first.taken);

  at.put(queue, "a");
  CHECK_FALSE(first.taken);
  at.loop.run_ready();

  REQUIRE(first.taken);
  CHECK(first.taken->status == reserve_status::reserved);
  CHECK(first.taken->job.content.view() == "a");
  CHECK_FALSE(second.taken);
}

TEST_CASE("a job that is there is taken without waiting, and nothing is said to be nothing") {
  broker_fixture at;
  const auto queue = at.queue("work");
  const auto session = at.watcher("work");
  CHECK(at.broker.try_reserve(session, engine::lease::unlimited).answer.status == reserve_status::timed_out);

  at.put(queue, "a");
  const auto taken = at.broker.try_reserve(session, engine::lease::unlimited).answer;
  CHECK(taken.status == reserve_status::reserved);
  CHECK(at.broker.try_finish(session, {.job = taken.job.job}).answer == engine::finish_status::done);
  CHECK(at.levels(queue).jobs() == 0);
}

TEST_CASE("a wait for a job ends at its deadline with nothing") {
  broker_fixture at;
  at.queue("work");
  broker_fixture::answer waited;
  at.reserve(at.watcher("work"), waited, at.loop.now() + seconds{2});

  at.loop.advance(milliseconds{1'999});
  CHECK_FALSE(waited.taken);
  at.loop.advance(milliseconds{1});
  REQUIRE(waited.taken);
  CHECK(waited.taken->status == reserve_status::timed_out);
}

TEST_CASE("a put into a full queue waits until there is capacity, and the time is counted") {
  broker_fixture at;
  const auto queue = at.queue("small", {.max_jobs = 1});
  at.put(queue, "a");
  const auto answer = at.put(queue, "b");
  REQUIRE(answer.status == engine::put_status::waiting);
  broker_fixture::answer admitted;
  at.await_put(at.producer, admitted);
  at.loop.advance(seconds{3});
  CHECK_FALSE(admitted.put);
  CHECK(at.broker.held_puts().active() == 1);
  CHECK(at.broker.held_puts().total(at.loop.now()) == seconds{3});

  const auto session = at.watcher("small");
  const auto taken = at.broker.try_reserve(session, engine::lease::unlimited).answer;
  static_cast<void>(at.broker.try_finish(session, {.job = taken.job.job}));
  CHECK(at.broker.held_puts().active() == 0);
  at.loop.advance(seconds{1});

  REQUIRE(admitted.put);
  CHECK(at.broker.engine().first_ready(queue)->job == *admitted.put);
  CHECK(at.broker.held_puts().total(at.loop.now()) == seconds{3});
}

TEST_CASE("a put that was admitted before anybody awaited it is not lost") {
  broker_fixture at;
  const auto queue = at.queue("small", {.max_jobs = 1});
  at.put(queue, "a");
  REQUIRE(at.put(queue, "b").status == engine::put_status::waiting);
  const auto session = at.watcher("small");
  static_cast<void>(
      at.broker.try_finish(session, {.job = at.broker.try_reserve(session, engine::lease::unlimited).answer.job.job}));

  broker_fixture::answer admitted;
  at.await_put(at.producer, admitted);
  at.loop.run_ready();

  CHECK(admitted.put);
}

TEST_CASE("a queue that refuses says so at once and holds nobody") {
  broker_fixture at;
  const auto queue = at.queue("small", {.max_jobs = 1, .when_full = engine::overflow::reject});
  at.put(queue, "a");

  CHECK(at.put(queue, "b").status == engine::put_status::refused);
  CHECK(at.broker.held_puts().active() == 0);
}

TEST_CASE("the output of a finished job waits for capacity in its queue, and the time is counted") {
  broker_fixture at;
  const auto from = at.queue("from");
  const auto to = at.queue("to", {.max_jobs = 1});
  at.put(to, "in the way");
  const auto job = at.put(from, "a").job;
  const auto session = at.watcher("from");
  static_cast<void>(at.broker.try_reserve(session, engine::lease::unlimited));

  const auto answer = at.broker.try_finish(session, {.job = job, .outputs = {{to, {.content = body{"b"}}}}}).answer;
  REQUIRE(answer == engine::finish_status::waiting);
  broker_fixture::answer waited;
  at.await_finish(session, job, waited);
  at.loop.advance(seconds{2});
  CHECK(at.broker.held_outputs().active() == 1);
  CHECK(at.levels(from).reserved == 1);

  const auto other = at.watcher("to");
  static_cast<void>(
      at.broker.try_finish(other, {.job = at.broker.try_reserve(other, engine::lease::unlimited).answer.job.job}));
  at.loop.run_ready();

  CHECK(waited.finished.value() == engine::finish_status::done);
  CHECK(at.levels(from).jobs() == 0);
  CHECK(at.levels(to).ready == 1);
  CHECK(at.broker.held_outputs().total(at.loop.now()) == seconds{2});
}

TEST_CASE("a session that is closed gives back all it holds, in turns") {
  broker_fixture at;
  const auto queue = at.queue("work");
  const auto session = at.watcher("work");
  constexpr std::size_t jobs = engine::moves_per_turn_max * 5 / 2;
  for (std::size_t i = 0; i < jobs; ++i) {
    at.put(queue, "a");
    static_cast<void>(at.broker.try_reserve(session, engine::lease::unlimited));
  }

  CHECK_FALSE(at.broker.try_close_session(session));
  CHECK(at.levels(queue).reserved > 0);
  at.scope.spawn("close", at.broker.close_session(session));
  at.loop.run_ready();

  CHECK(at.levels(queue).ready == jobs);
}

TEST_CASE("a queue nobody declared comes into being with the defaults") {
  broker_fixture at;
  at.broker.set_queue_defaults({.max_jobs = 3});

  const auto made = at.broker.find_or_declare("new").value();

  CHECK(at.broker.engine().options_of(made).max_jobs == 3);
  CHECK(at.broker.find_or_declare("new").value() == made);
}

TEST_CASE("when puts are refused for good, everything else goes on") {
  broker_fixture at;
  const auto queue = at.queue("work");
  at.put(queue, "a");
  at.broker.refuse_puts();

  CHECK(at.put(queue, "b").status == engine::put_status::draining);
  CHECK(at.broker.try_reserve(at.watcher("work"), engine::lease::unlimited).answer.status == reserve_status::reserved);
}
