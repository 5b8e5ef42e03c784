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
  expiry_fixture m;
  const auto job = m.put_expiring(5s);
  CHECK(m.engine.next_deadline() == m.now + 5s);
  CHECK(m.engine.look(job)->details.expires_at == m.now + 5s);
  m.pass(5s - 1ns);
  CHECK(m.state(job) == job_state::ready);
  m.pass(1ns);
  CHECK_FALSE(m.engine.look(job));
  CHECK(m.expired() == 1);
  CHECK(m.engine.next_deadline() == never);
}

TEST_CASE("a delayed job expires before it is ready when both are due at once") {
  expiry_fixture m;
  const auto job = m.put_expiring(5s, 5s);
  const auto other = m.session();
  CHECK(m.reserve(other, 60s) == reserve_status::waiting);
  m.pass(5s);
  CHECK_FALSE(m.engine.look(job));
  CHECK(m.events().empty());
}

TEST_CASE("a reserved job does not expire, and expires at once when it comes back too late") {
  expiry_fixture m;
  const auto job = m.put_expiring(5s);
  REQUIRE(m.take_id(m.client, lease::unlimited) == job);
  m.pass(10s);
  CHECK(m.state(job) == job_state::reserved);
  const auto other = m.session();
  CHECK(m.reserve(other, 60s) == reserve_status::waiting);
  CHECK(m.engine.release(m.client, job, 0, 0s, m.now));
  CHECK_FALSE(m.engine.look(job));
  CHECK(m.events().empty());
  CHECK(m.expired() == 1);
}

TEST_CASE("a released job that is still in time expires at its first time, also while it is delayed") {
  expiry_fixture m;
  const auto job = m.put_expiring(5s);
  const auto begin = m.now;
  m.take_id(m.client);
  m.pass(2s);
  CHECK(m.engine.release(m.client, job, 0, 60s, m.now));
  CHECK(m.engine.next_deadline() == begin + 5s);
  m.pass(3s);
  CHECK_FALSE(m.engine.look(job));
}

TEST_CASE("a buried job does not expire, and expires when it is kicked too late") {
  expiry_fixture m;
  const auto job = m.put_expiring(5s);
  m.take_id(m.client);
  CHECK(m.engine.bury(m.client, job, 0, m.now));
  m.pass(10s);
  CHECK(m.state(job) == job_state::buried);
  CHECK(m.engine.kick_job(job, m.now));
  CHECK_FALSE(m.engine.look(job));
}

TEST_CASE("an expired job whose dead letter queue is full is buried where it is, and counted") {
  full_letters_fixture m;
  const auto ready = m.put_expiring(5s);
  const auto delayed = m.put_expiring(5s, 60s);
  const auto held = m.put_expiring(4s);
  REQUIRE(m.engine.reserve_job(m.client, held, m.now).status == reserve_status::reserved);
  m.pass(5s);
  CHECK(m.engine.release(m.client, held, 0, 0s, m.now));
  for (const auto job : {ready, delayed, held}) {
    CHECK(m.state(job) == job_state::buried);
    CHECK(m.engine.look(job)->queue == m.queue());
    CHECK(m.engine.look(job)->details.cause == reason::expired);
  }
  CHECK(m.expired() == 3);
  CHECK(m.engine.counts(m.queue()).buried[static_cast<std::size_t>(reason::expired)].value() == 3);
  CHECK(m.engine.counts(m.letters).rejected[static_cast<std::size_t>(reason::overflow)].value() == 3);
  CHECK(m.engine.next_deadline() == never);
}

TEST_CASE("a kick takes jobs that are buried as expired out of there, each once, and they do not expire again") {
  full_letters_fixture m;
  const std::vector jobs{m.put_expiring(5s), m.put_expiring(5s), m.put_expiring(5s)};
  m.pass(5s);
  auto from = millrace::engine::engine::kick_from::undecided;
  CHECK(m.engine.kick(m.queue(), 1'000, from, m.now) == jobs.size());
  m.pass(1h);
  for (const auto job : jobs) CHECK(m.state(job) == job_state::ready);
  CHECK(m.expired() == jobs.size());
}

TEST_CASE("a job that is kicked too late is ready if its dead letter queue is full") {
  full_letters_fixture m;
  for (int n = 0; n < 3; ++n) {
    m.put_expiring(5s);
    CHECK(m.engine.bury(m.client, m.take_id(m.client), 0, m.now));
  }
  m.pass(10s);
  auto from = millrace::engine::engine::kick_from::undecided;
  CHECK(m.engine.kick(m.queue(), 1'000, from, m.now) == 3);
  CHECK(m.engine.levels(m.queue()).ready == 3);
  CHECK(m.engine.levels(m.queue()).buried == 0);
  CHECK(m.expired() == 0);
}

TEST_CASE("a job whose next attempt comes too late goes to the dead letter queue of its consumer, or is buried") {
  full_letters_fixture m;
  const bool is_full = GENERATE(false, true);
  const auto others = m.declare("others", 1);
  if (is_full) m.put(m.session({"others"}));
  const auto job = m.put_expiring(5s);
  REQUIRE(m.take_id(m.client, lease::unlimited) == job);
  m.pass(5s);
  const auto answer = m.engine.finish(
      m.client, {.job = job, .result = outcome::failed, .dead_letter = others, .retry = retry_options{.attempts = 2}},
      m.now);
  CHECK(answer == (is_full ? finish_status::buried : finish_status::dead_lettered));
  CHECK(answer.outcome == outcome::expired);
  CHECK(m.engine.look(job)->queue == (is_full ? m.queue() : others));
}

TEST_CASE("an expired job in its own dead letter queue is dropped, and one whose dead letter queue is gone is buried") {
  expiry_fixture m;
  const bool is_gone = GENERATE(false, true);
  m.engine.declare("q", {.dead_letter = is_gone ? "gone" : "q"}).value();
  const auto job = m.put_expiring(5s);
  m.pass(5s);
  CHECK(m.engine.look(job).has_value() == is_gone);
  CHECK(m.expired() == 1);
}

TEST_CASE("a put without a time takes that of its queue, and a change of the queue applies to later puts only") {
  expiry_fixture m;
  m.engine.declare("q", {.expire_after = 3s}).value();
  const auto first = m.put(m.client);
  m.engine.declare("q", {.expire_after = 9s}).value();
  const auto second = m.put(m.client);
  const auto own = m.put_expiring(1s);
  CHECK(m.engine.look(first)->details.expires_at == m.now + 3s);
  CHECK(m.engine.look(second)->details.expires_at == m.now + 9s);
  CHECK(m.engine.look(own)->details.expires_at == m.now + 1s);
}

TEST_CASE("jobs expire in the order of their times, at most so many a turn") {
  expiry_fixture m;
  m.declare("q", 10'000, overflow::block, 1'000'000);
  for (std::size_t n = 0; n < moves_per_turn_max + 5; ++n) m.put_expiring(2s);
  const auto sooner = m.put_expiring(1s);
  m.pass(2s);
  CHECK_FALSE(m.engine.look(sooner));
  CHECK(m.expired() == moves_per_turn_max);
  CHECK(m.engine.next_deadline() <= m.now);
  m.pass(0s);
  CHECK(m.expired() == moves_per_turn_max + 6);
}

TEST_CASE("a restored job keeps its time, and one that is overdue expires at the first turn") {
  engine_fixture m;
  const auto queue = m.engine.declare("q", {}).value();
  const auto restore = [&](std::uint64_t id, instant expires_at) {
    kept_job kept;
    kept.job = job_id{id};
    kept.queue = queue;
    kept.put_at = m.now - 60s;
    kept.request.content = body{"x"};
    kept.details = std::make_shared<const job_details>(job_details{.expires_at = expires_at});
    m.engine.restore(std::move(kept), m.now);
  };
  restore(1, m.now - 1s);
  restore(2, m.now + 1s);
  REQUIRE(m.engine.end_restoring());
  m.pass(0s);
  CHECK_FALSE(m.engine.look(job_id{1}));
  CHECK(m.state(job_id{2}) == job_state::ready);
  m.pass(1s);
  CHECK_FALSE(m.engine.look(job_id{2}));
}

TEST_CASE("the changes of a put and of a move carry the time of expiry") {
  expiry_fixture m;
  m.engine.collect_changes(true);
  const auto job = m.put_expiring(5s);
  change_set changes;
  m.engine.take_changes(changes);
  CHECK(std::get<job_put>(changes.at(0)).details->expires_at == m.now + 5s);
  m.take_id(m.client);
  CHECK(m.engine.bury(m.client, job, 0, m.now));
  m.engine.take_changes(changes);
  CHECK(std::get<job_moved>(changes.at(0)).details->expires_at == m.now + 5s);
}
