#include "engine/engine_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

namespace {

struct expiry_fixture : engine_fixture {
  session_id client{session()};

  job_id put_expiring(duration expire_after, duration delay = duration{0}) {
    put_request request{.content = body{"x"}, .delay = delay};
    request.expire_after = expire_after;
    return engine.put(client, queue(), std::move(request), now).job;
  }
  std::uint64_t expired() {
    return engine.counts(queue()).finished[static_cast<std::size_t>(outcome::expired)].value();
  }
};

/// The queue `q` has a dead letter queue that takes no more jobs.
struct full_letters_fixture : expiry_fixture {
  queue_id letters{engine.declare("letters", {.max_jobs = 1, .when_full = overflow::reject}).value()};

  full_letters_fixture() {
    engine.declare("q", {.dead_letter = "letters"}).value();
    put(session({"letters"}));
  }
};

}  // namespace

TEST_CASE("a ready job that nobody took in time is dropped and counted, not earlier than its time") {
  expiry_fixture fixture;
  const auto job = fixture.put_expiring(5s);
  CHECK(fixture.engine.next_deadline() == fixture.now + 5s);
  CHECK(fixture.engine.look(job)->details.expires_at == fixture.now + 5s);
  fixture.pass(5s - 1ns);
  CHECK(fixture.state(job) == job_state::ready);
  fixture.pass(1ns);
  CHECK_FALSE(fixture.engine.look(job));
  CHECK(fixture.expired() == 1);
  CHECK(fixture.engine.next_deadline() == never);
}

TEST_CASE("a delayed job expires before it is ready when both are due at once") {
  expiry_fixture fixture;
  const auto job = fixture.put_expiring(5s, 5s);
  const auto other = fixture.session();
  CHECK(fixture.reserve(other, 60s) == reserve_status::waiting);
  fixture.pass(5s);
  CHECK_FALSE(fixture.engine.look(job));
  CHECK(fixture.events().empty());
}

TEST_CASE("a reserved job does not expire, and expires at once when it comes back too late") {
  expiry_fixture fixture;
  const auto job = fixture.put_expiring(5s);
  REQUIRE(fixture.take_id(fixture.client, lease::unlimited) == job);
  fixture.pass(10s);
  CHECK(fixture.state(job) == job_state::reserved);
  const auto other = fixture.session();
  CHECK(fixture.reserve(other, 60s) == reserve_status::waiting);
  CHECK(fixture.engine.release(fixture.client, job, 0, 0s, fixture.now));
  CHECK_FALSE(fixture.engine.look(job));
  CHECK(fixture.events().empty());
  CHECK(fixture.expired() == 1);
}

TEST_CASE("a released job that is still in time expires at its first time, also while it is delayed") {
  expiry_fixture fixture;
  const auto job = fixture.put_expiring(5s);
  const auto begin = fixture.now;
  fixture.take_id(fixture.client);
  fixture.pass(2s);
  CHECK(fixture.engine.release(fixture.client, job, 0, 60s, fixture.now));
  CHECK(fixture.engine.next_deadline() == begin + 5s);
  fixture.pass(3s);
  CHECK_FALSE(fixture.engine.look(job));
}

TEST_CASE("a buried job does not expire, and expires when it is kicked too late") {
  expiry_fixture fixture;
  const auto job = fixture.put_expiring(5s);
  fixture.take_id(fixture.client);
  CHECK(fixture.engine.bury(fixture.client, job, 0, fixture.now));
  fixture.pass(10s);
  CHECK(fixture.state(job) == job_state::buried);
  CHECK(fixture.engine.kick_job(job, fixture.now));
  CHECK_FALSE(fixture.engine.look(job));
}

TEST_CASE("an expired job whose dead letter queue is full is buried where it is, and counted") {
  full_letters_fixture fixture;
  const auto ready = fixture.put_expiring(5s);
  const auto delayed = fixture.put_expiring(5s, 60s);
  const auto held = fixture.put_expiring(4s);
  REQUIRE(fixture.engine.reserve_job(fixture.client, held, fixture.now).status == reserve_status::reserved);
  fixture.pass(5s);
  CHECK(fixture.engine.release(fixture.client, held, 0, 0s, fixture.now));
  for (const auto job : {ready, delayed, held}) {
    CHECK(fixture.state(job) == job_state::buried);
    CHECK(fixture.engine.look(job)->queue == fixture.queue());
    CHECK(fixture.engine.look(job)->details.cause == reason::expired);
  }
  CHECK(fixture.expired() == 3);
  CHECK(fixture.engine.counts(fixture.queue()).buried[static_cast<std::size_t>(reason::expired)].value() == 3);
  CHECK(fixture.engine.counts(fixture.letters).rejected[static_cast<std::size_t>(reason::overflow)].value() == 3);
  CHECK(fixture.engine.next_deadline() == never);
}

TEST_CASE("a kick takes jobs that are buried as expired out of there, each once, and they do not expire again") {
  full_letters_fixture fixture;
  const std::vector jobs{fixture.put_expiring(5s), fixture.put_expiring(5s), fixture.put_expiring(5s)};
  fixture.pass(5s);
  auto from = millrace::engine::engine::kick_from::undecided;
  CHECK(fixture.engine.kick(fixture.queue(), 1'000, from, fixture.now) == jobs.size());
  fixture.pass(1h);
  for (const auto job : jobs) CHECK(fixture.state(job) == job_state::ready);
  CHECK(fixture.expired() == jobs.size());
}

TEST_CASE("a job that is kicked too late is ready if its dead letter queue is full") {
  full_letters_fixture fixture;
  for (int n = 0; n < 3; ++n) {
    fixture.put_expiring(5s);
    CHECK(fixture.engine.bury(fixture.client, fixture.take_id(fixture.client), 0, fixture.now));
  }
  fixture.pass(10s);
  auto from = millrace::engine::engine::kick_from::undecided;
  CHECK(fixture.engine.kick(fixture.queue(), 1'000, from, fixture.now) == 3);
  CHECK(fixture.engine.levels(fixture.queue()).ready == 3);
  CHECK(fixture.engine.levels(fixture.queue()).buried == 0);
  CHECK(fixture.expired() == 0);
}

TEST_CASE("a job whose next attempt comes too late goes to the dead letter queue of its consumer, or is buried") {
  full_letters_fixture fixture;
  const bool is_full = GENERATE(false, true);
  const auto others = fixture.declare("others", 1);
  if (is_full) fixture.put(fixture.session({"others"}));
  const auto job = fixture.put_expiring(5s);
  REQUIRE(fixture.take_id(fixture.client, lease::unlimited) == job);
  fixture.pass(5s);
  const auto answer = fixture.engine.finish(
      fixture.client,
      {.job = job, .result = outcome::failed, .dead_letter = others, .retry = retry_options{.attempts = 2}},
      fixture.now);
  CHECK(answer == (is_full ? finish_status::buried : finish_status::dead_lettered));
  CHECK(answer.outcome == outcome::expired);
  CHECK(fixture.engine.look(job)->queue == (is_full ? fixture.queue() : others));
}

TEST_CASE("an expired job in its own dead letter queue is dropped, and one whose dead letter queue is gone is buried") {
  expiry_fixture fixture;
  const bool is_gone = GENERATE(false, true);
  fixture.engine.declare("q", {.dead_letter = is_gone ? "gone" : "q"}).value();
  const auto job = fixture.put_expiring(5s);
  fixture.pass(5s);
  CHECK(fixture.engine.look(job).has_value() == is_gone);
  CHECK(fixture.expired() == 1);
}

TEST_CASE("a put without a time takes that of its queue, and a change of the queue applies to later puts only") {
  expiry_fixture fixture;
  fixture.engine.declare("q", {.expire_after = 3s}).value();
  const auto first = fixture.put(fixture.client);
  fixture.engine.declare("q", {.expire_after = 9s}).value();
  const auto second = fixture.put(fixture.client);
  const auto own = fixture.put_expiring(1s);
  CHECK(fixture.engine.look(first)->details.expires_at == fixture.now + 3s);
  CHECK(fixture.engine.look(second)->details.expires_at == fixture.now + 9s);
  CHECK(fixture.engine.look(own)->details.expires_at == fixture.now + 1s);
}

TEST_CASE("jobs expire in the order of their times, at most so many a turn") {
  expiry_fixture fixture;
  fixture.declare("q", 10'000, overflow::block, 1'000'000);
  for (std::size_t n = 0; n < moves_per_turn_max + 5; ++n) fixture.put_expiring(2s);
  const auto sooner = fixture.put_expiring(1s);
  fixture.pass(2s);
  CHECK_FALSE(fixture.engine.look(sooner));
  CHECK(fixture.expired() == moves_per_turn_max);
  CHECK(fixture.engine.next_deadline() <= fixture.now);
  fixture.pass(0s);
  CHECK(fixture.expired() == moves_per_turn_max + 6);
}

TEST_CASE("a restored job keeps its time, and one that is overdue expires at the first turn") {
  engine_fixture fixture;
  const auto queue = fixture.engine.declare("q", {}).value();
  const auto restore = [&](std::uint64_t id, instant expires_at) {
    kept_job kept;
    kept.job = job_id{id};
    kept.queue = queue;
    kept.put_at = fixture.now - 60s;
    kept.request.content = body{"x"};
    kept.details = std::make_shared<const job_details>(job_details{.expires_at = expires_at});
    fixture.engine.restore(std::move(kept), fixture.now);
  };
  restore(1, fixture.now - 1s);
  restore(2, fixture.now + 1s);
  REQUIRE(fixture.engine.end_restoring());
  fixture.pass(0s);
  CHECK_FALSE(fixture.engine.look(job_id{1}));
  CHECK(fixture.state(job_id{2}) == job_state::ready);
  fixture.pass(1s);
  CHECK_FALSE(fixture.engine.look(job_id{2}));
}

TEST_CASE("the changes of a put and of a move carry the time of expiry") {
  expiry_fixture fixture;
  fixture.engine.collect_changes(true);
  const auto job = fixture.put_expiring(5s);
  change_set changes;
  fixture.engine.take_changes(changes);
  CHECK(std::get<job_put>(changes.at(0)).details->expires_at == fixture.now + 5s);
  fixture.take_id(fixture.client);
  CHECK(fixture.engine.bury(fixture.client, job, 0, fixture.now));
  fixture.engine.take_changes(changes);
  CHECK(std::get<job_moved>(changes.at(0)).details->expires_at == fixture.now + 5s);
}
