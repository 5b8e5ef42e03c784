// The order of the rules when several apply to a job: cancelled, expired, deliveries_max, retry, dead letter, bury.
#include "engine/engine_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

namespace {

/// All rules apply to the jobs of `q`: they expire after 5 s, may be interrupted once, are retried once after 1 s, and
/// then go to `letters`.
struct rules_fixture : engine_fixture {
  queue_id letters{engine.declare("letters", {.max_jobs = 1, .when_full = overflow::reject}).value()};
  session_id client;

  rules_fixture() {
    engine
        .declare("q", {.retry = {.attempts = 2, .first = 1s, .jitter = 0},
                       .deliveries_max = 2,
                       .dead_letter = "letters",
                       .expire_after = 5s})
        .value();
    client = session();
  }
  void fill_letters() { put(session({"letters"})); }

  void lose(session_id holder) {
    while (!engine.close_session(holder, now, session_end::lost)) {
    }
  }
  /// Reserves the job and closes the session that holds it.
  void interrupt() {
    const auto holder = session();
    take_id(holder);
    lose(holder);
  }
  finish_status fail(job_id job) { return finish(client, job, {.result = outcome::failed}); }

  std::uint64_t ended(outcome result) {
    return engine.counts(queue()).finished[static_cast<std::size_t>(result)].value();
  }
  std::uint64_t buried(reason cause) { return engine.counts(queue()).buried[static_cast<std::size_t>(cause)].value(); }
  /// It is gone, was counted as cancelled only, and is no dead letter.
  void check_cancelled(job_id job) {
    CHECK_FALSE(engine.look(job));
    CHECK(ended(outcome::cancelled) == 1);
    CHECK(ended(outcome::expired) + ended(outcome::failed) == 0);
    CHECK(engine.levels(letters).ready == 0);
  }
  std::optional<reason> cause_of(job_id job) { return engine.look(job).value().details.cause; }
  bool is_letter(job_id job) { return engine.look(job).value().queue == letters; }
};

}  // namespace

TEST_CASE("cancelled before expired: a job that is cancelled after its time is no expired one") {
  rules_fixture fixture;
  const auto job = fixture.put(fixture.client);
  fixture.take_id(fixture.client, lease::unlimited);
  fixture.pass(10s);
  CHECK(fixture.engine.cancel(job, fixture.now));
  fixture.check_cancelled(job);
}

TEST_CASE("cancelled before deliveries_max: a holder that is lost after the cancel does not make a job undeliverable") {
  rules_fixture fixture;
  const auto job = fixture.put(fixture.client);
  fixture.interrupt();
  const auto holder = fixture.session();
  REQUIRE(fixture.take_id(holder) == job);
  CHECK(fixture.engine.cancel(job, fixture.now));
  fixture.lose(holder);
  fixture.check_cancelled(job);
}

TEST_CASE("cancelled before retry: a job that waits for its next attempt is gone, and so is one that fails later") {
  rules_fixture fixture;
  const auto job = fixture.put(fixture.client);
  fixture.take_id(fixture.client);
  const bool is_held = GENERATE(false, true);
  if (!is_held) REQUIRE(fixture.fail(job) == finish_status::retried);
  CHECK(fixture.engine.cancel(job, fixture.now));
  if (is_held) CHECK(fixture.fail(job) == finish_status::not_found);
  fixture.pass(2s);
  fixture.check_cancelled(job);
}

TEST_CASE("cancelled before dead letter and bury: a job that is cancelled in any state is in neither") {
  rules_fixture fixture;
  const auto state = GENERATE(job_state::ready, job_state::delayed, job_state::reserved, job_state::buried);
  const auto job =
      fixture.put(fixture.client, "in", {.delay = state == job_state::delayed ? duration{2s} : duration{0}});
  if (state == job_state::reserved || state == job_state::buried) fixture.take_id(fixture.client);
  if (state == job_state::buried) CHECK(fixture.engine.bury(fixture.client, job, 0, fixture.now));
  REQUIRE(fixture.state(job) == state);
  CHECK(fixture.engine.cancel(job, fixture.now));
  fixture.check_cancelled(job);
  CHECK(fixture.engine.levels(fixture.queue()).buried == 0);
}

TEST_CASE("expired before deliveries_max: the last interruption of a job comes after its time") {
  rules_fixture fixture;
  const auto job = fixture.put(fixture.client);
  fixture.interrupt();
  const auto holder = fixture.session();
  REQUIRE(fixture.take_id(holder, lease::unlimited) == job);
  fixture.pass(5s);
  fixture.lose(holder);
  CHECK(fixture.is_letter(job));
  CHECK(fixture.cause_of(job) == reason::expired);
  CHECK(fixture.ended(outcome::expired) == 1);
}

TEST_CASE("expired before retry: a job that fails after its time is not tried again") {
  rules_fixture fixture;
  const auto job = fixture.put(fixture.client);
  fixture.take_id(fixture.client, lease::unlimited);
  fixture.pass(5s);
  CHECK(fixture.fail(job) == finish_status::dead_lettered);
  CHECK(fixture.cause_of(job) == reason::expired);
}

TEST_CASE("a job that fails for the last time after its time has failed: it was reserved, and does not wait again") {
  rules_fixture fixture;
  const auto job = fixture.put(fixture.client);
  fixture.take_id(fixture.client);
  CHECK(fixture.fail(job) == finish_status::retried);
  fixture.pass(1s);
  REQUIRE(fixture.take_id(fixture.client, lease::unlimited) == job);
  fixture.pass(10s);
  CHECK(fixture.fail(job) == finish_status::dead_lettered);
  CHECK(fixture.cause_of(job) == reason::failed);
  CHECK(fixture.ended(outcome::expired) == 0);
}

TEST_CASE("expired before dead letter before bury: the letter says `expired`, and a full queue of letters buries") {
  rules_fixture fixture;
  const bool is_full = GENERATE(false, true);
  if (is_full) fixture.fill_letters();
  const auto job = fixture.put(fixture.client);
  fixture.pass(5s);
  CHECK(fixture.is_letter(job) == !is_full);
  CHECK(fixture.cause_of(job) == reason::expired);
  CHECK(fixture.buried(reason::expired) == (is_full ? 1 : 0));
}

TEST_CASE("deliveries_max before retry: attempts that are left do not save a job that was interrupted too often") {
  rules_fixture fixture;
  const auto job = fixture.put(fixture.client);
  fixture.interrupt();
  fixture.take_id(fixture.client);
  CHECK(fixture.fail(job) == finish_status::retried);
  fixture.pass(1s);
  fixture.interrupt();
  CHECK(fixture.is_letter(job));
  CHECK(fixture.cause_of(job) == reason::undeliverable);
}

TEST_CASE("deliveries_max before dead letter before bury: the letter says `undeliverable`, a full queue buries") {
  rules_fixture fixture;
  const bool is_full = GENERATE(false, true);
  if (is_full) fixture.fill_letters();
  const auto job = fixture.put(fixture.client);
  fixture.interrupt();
  CHECK(fixture.state(job) == job_state::ready);
  fixture.interrupt();
  CHECK(fixture.is_letter(job) == !is_full);
  CHECK(fixture.cause_of(job) == reason::undeliverable);
  CHECK(fixture.buried(reason::undeliverable) == (is_full ? 1 : 0));
}

TEST_CASE("retry before dead letter before bury: the first failure is retried, the last one decides between the two") {
  rules_fixture fixture;
  const bool is_full = GENERATE(false, true);
  if (is_full) fixture.fill_letters();
  const auto job = fixture.put(fixture.client);
  fixture.take_id(fixture.client);
  CHECK(fixture.fail(job) == finish_status::retried);
  CHECK(fixture.state(job) == job_state::delayed);
  fixture.pass(1s);
  fixture.take_id(fixture.client);
  CHECK(fixture.fail(job) == (is_full ? finish_status::buried : finish_status::dead_lettered));
  CHECK(fixture.is_letter(job) == !is_full);
  CHECK(fixture.cause_of(job) == reason::failed);
}
