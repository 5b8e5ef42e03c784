#include "engine/engine_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

namespace {

/// A durable queue `q` that gives a job up after two interruptions.
struct interruptions_fixture : engine_fixture {
  explicit interruptions_fixture(std::uint32_t deliveries_max = 2, durability of_jobs = durability::sync) {
    engine.collect_changes(true);
    engine.declare("q", {.durability = of_jobs, .deliveries_max = deliveries_max}).value();
    client = session();
  }
  job_facts facts(job_id job = job_id{1}) { return engine.look(job).value(); }
  void close(session_id gone, session_end end) {
    while (!engine.close_session(gone, now, end)) {
    }
  }
  change_set changes() {
    change_set taken;
    engine.take_changes(taken);
    return taken;
  }
  /// The client takes a job and reports it as interrupted.
  finish_answer interrupt(std::string error_text = {}) {
    return engine.finish(
        client, {.job = take_id(client), .result = outcome::interrupted, .error_text = std::move(error_text)}, now);
  }
  std::uint64_t buried_as_undeliverable() {
    return engine.counts(queue()).buried[static_cast<std::size_t>(reason::undeliverable)].value();
  }

  session_id client;
};

kept_job handed_out_job(std::uint64_t id, queue_id queue, std::uint32_t interruptions) {
  kept_job job;
  job.job = job_id{id};
  job.queue = queue;
  job.request.content = body{"kept"};
  job.tally.reserves = interruptions + 1;
  job.tally.interruptions = interruptions;
  job.handed_out = true;
  return job;
}

}  // namespace

TEST_CASE("the end of a lease and a lost session interrupt a job; a return, a release and a failure do not") {
  interruptions_fixture fixture{0};
  fixture.put(fixture.client, "in", {.ttr = 5s});
  fixture.take_id(fixture.client);
  fixture.pass(5s);
  CHECK(fixture.facts().interruptions == 1);
  const auto lost = fixture.session();
  fixture.take_id(lost);
  fixture.close(lost, session_end::lost);
  CHECK(fixture.facts().interruptions == 2);
  const auto returned = fixture.session();
  fixture.take_id(returned);
  fixture.close(returned, session_end::returned);
  CHECK(fixture.engine.release(fixture.client, fixture.take_id(fixture.client), 5, 0s, fixture.now));
  fixture.finish(fixture.client, fixture.take_id(fixture.client), {.result = outcome::failed});
  CHECK(fixture.facts().interruptions == 2);
  CHECK(fixture.facts().reserves == 5);
  CHECK(fixture.facts().failures == 1);
  CHECK(fixture.engine.counts(fixture.queue()).interrupted.value() == 2);
}

TEST_CASE("without a limit of deliveries a job is interrupted as often as it happens") {
  interruptions_fixture fixture{0};
  fixture.put(fixture.client, "in", {.ttr = 1s});
  for (int n = 0; n < 100; ++n) {
    fixture.take_id(fixture.client);
    fixture.pass(1s);
  }
  CHECK(fixture.facts().state == job_state::ready);
  CHECK(fixture.facts().interruptions == 100);
}

TEST_CASE("a job whose lease ended as often as its queue allows is buried as undeliverable") {
  interruptions_fixture fixture;
  fixture.put(fixture.client, "in", {.ttr = 5s});
  fixture.take_id(fixture.client);
  fixture.pass(5s);
  CHECK(fixture.facts().state == job_state::ready);
  fixture.take_id(fixture.client);
  fixture.pass(5s);
  CHECK(fixture.facts().state == job_state::buried);
  CHECK(fixture.facts().details.cause == reason::undeliverable);
  CHECK(fixture.facts().failures == 0);
  CHECK(fixture.buried_as_undeliverable() == 1);
}

TEST_CASE("a job whose holders were lost as often as its queue allows goes to the dead letter queue") {
  interruptions_fixture fixture;
  const auto letters = fixture.declare("letters", 10);
  fixture.engine.declare("q", {.deliveries_max = 2, .dead_letter = "letters"}).value();
  fixture.put(fixture.client);
  for (int n = 0; n < 2; ++n) {
    const auto lost = fixture.session();
    fixture.take_id(lost, lease::unlimited);
    fixture.close(lost, session_end::lost);
  }
  CHECK(fixture.facts().queue == letters);
  CHECK(fixture.facts().state == job_state::ready);
  CHECK(fixture.facts().details.cause == reason::undeliverable);
  CHECK(fixture.facts().interruptions == 2);
}

TEST_CASE("a holder can say itself that the work on its job ended without an answer") {
  interruptions_fixture fixture{2};
  fixture.put(fixture.client, "in");
  fixture.changes();
  CHECK(fixture.interrupt("the worker was killed") == finish_status::interrupted);
  CHECK(fixture.facts().state == job_state::ready);
  CHECK(fixture.facts().interruptions == 1);
  CHECK(fixture.facts().failures == 0);
  CHECK(fixture.facts().error_text == "the worker was killed");
  const auto stored = fixture.changes();
  REQUIRE_FALSE(stored.empty());
  CHECK(std::get<job_moved>(stored.back()).error_text == "the worker was killed");
  const auto answer = fixture.interrupt();
  CHECK(answer == finish_status::buried);
  CHECK(answer.outcome == outcome::failed);
  CHECK(fixture.facts().details.cause == reason::undeliverable);
  CHECK(fixture.engine.counts(fixture.queue()).interrupted.value() == 2);
}

TEST_CASE("a holder limits the interruptions of its job only where the queue says nothing") {
  const auto of_queue = GENERATE(std::optional<std::uint32_t>{}, std::optional{0u}, std::optional{5u});
  interruptions_fixture fixture;
  const auto letters = fixture.declare("letters", 10);
  fixture.engine.declare("q", {.deliveries_max = of_queue}).value();
  fixture.put(fixture.client, "in");
  for (unsigned n = 1; n <= 5; ++n) {
    const auto id = fixture.take_id(fixture.client);
    const auto answer = fixture.finish(fixture.client, id,
                                       {.result = outcome::interrupted, .dead_letter = letters, .deliveries_max = 3});
    const bool is_last = of_queue ? n == *of_queue : n == 3;
    CAPTURE(n, of_queue.value_or(99));
    CHECK(answer == (is_last ? finish_status::dead_lettered : finish_status::interrupted));
    if (is_last) break;
  }
}

TEST_CASE("an interrupted job whose time is over expires instead of being undeliverable") {
  interruptions_fixture fixture;
  fixture.engine.declare("q", {.deliveries_max = 1, .expire_after = 5s}).value();
  fixture.put(fixture.client, "in");
  const auto id = fixture.take_id(fixture.client);
  fixture.pass(5s);
  const auto answer = fixture.engine.finish(fixture.client, {.job = id, .result = outcome::interrupted}, fixture.now);
  CHECK(answer == finish_status::expired);
  CHECK(answer.outcome == outcome::expired);
  CHECK(fixture.buried_as_undeliverable() == 0);
}

TEST_CASE("a session that is lost with many jobs gives them up in turns") {
  interruptions_fixture fixture{1};
  fixture.engine.declare("q", {.deliveries_max = 1}).value();
  for (std::size_t n = 0; n <= moves_per_turn_max; ++n) {
    fixture.put(fixture.client, "x");
    fixture.take_id(fixture.client);
  }
  CHECK_FALSE(fixture.engine.close_session(fixture.client, fixture.now, session_end::lost));
  CHECK(fixture.engine.levels(fixture.queue()).buried == moves_per_turn_max);
  CHECK(fixture.engine.close_session(fixture.client, fixture.now, session_end::lost));
  CHECK(fixture.engine.levels(fixture.queue()).buried == moves_per_turn_max + 1);
}

TEST_CASE("a hand-out is stored only where a durable queue limits deliveries, and ends with the next change") {
  const bool is_limited = GENERATE(true, false);
  const auto of_jobs = GENERATE(durability::sync, durability::memory);
  interruptions_fixture fixture{is_limited ? 2u : 0u, of_jobs};
  fixture.put(fixture.client);
  fixture.changes();
  const auto job = fixture.take_id(fixture.client);
  const auto changes = fixture.changes();
  if (!is_limited || of_jobs == durability::memory) {
    CHECK(changes.empty());
    return;
  }
  REQUIRE(changes.size() == 1);
  const auto& handed = std::get<job_moved>(changes[0]);
  CHECK(handed.state == job_state::reserved);
  CHECK(handed.handed_out);
  CHECK(handed.tally.reserves == 1);
  CHECK(handed.durability == durability::sync);
  CHECK(fixture.engine.release(fixture.client, job, 5, 0s, fixture.now));
  CHECK_FALSE(std::get<job_moved>(fixture.changes()[0]).handed_out);
}

TEST_CASE("a hand-out to other processes is a change unless the queue limits nothing, and three of them are enough") {
  const auto of_queue = GENERATE(std::optional<std::uint32_t>{}, std::optional{0u}, std::optional{5u});
  CAPTURE(of_queue.value_or(99));
  interruptions_fixture fixture;
  fixture.engine.declare("q", {.durability = durability::sync, .deliveries_max = of_queue}).value();
  const auto processes = fixture.engine.open_session(session_kind::other_processes);
  fixture.engine.watch(processes, "q").value();
  fixture.put(fixture.client);
  fixture.changes();
  fixture.take_id(processes);
  CHECK(fixture.changes().size() == (of_queue == 0u ? 0 : 1));
  fixture.close(processes, session_end::returned);
  fixture.changes();
  fixture.take_id(fixture.client);
  CHECK(fixture.changes().size() == (of_queue == 5u ? 1 : 0));

  fixture.engine.restore(handed_out_job(10, fixture.queue(), 1), fixture.now);
  fixture.engine.restore(handed_out_job(11, fixture.queue(), 2), fixture.now);
  fixture.engine.restore(handed_out_job(12, fixture.queue(), 4), fixture.now);
  CHECK(fixture.engine.end_restoring());
  CHECK(fixture.facts(job_id{10}).state == job_state::ready);
  CHECK(fixture.facts(job_id{11}).state == (of_queue ? job_state::ready : job_state::buried));
  CHECK(fixture.facts(job_id{12}).state == (of_queue == 0u ? job_state::ready : job_state::buried));
}

TEST_CASE("a job that was handed out when the program died has been interrupted once more, and the store learns it") {
  interruptions_fixture fixture;
  fixture.engine.restore(handed_out_job(1, fixture.queue(), 0), fixture.now);
  fixture.engine.restore(handed_out_job(2, fixture.queue(), 1), fixture.now);
  CHECK(fixture.engine.end_restoring());
  CHECK(fixture.facts(job_id{1}).state == job_state::ready);
  CHECK(fixture.facts(job_id{1}).interruptions == 1);
  CHECK(fixture.facts(job_id{2}).state == job_state::buried);
  CHECK(fixture.facts(job_id{2}).interruptions == 2);
  CHECK(fixture.buried_as_undeliverable() == 1);
  const auto changes = fixture.changes();
  REQUIRE(changes.size() == 2);
  const auto& first = std::get<job_moved>(changes[0]);
  CHECK(first.job == job_id{1});
  CHECK(first.state == job_state::ready);
  CHECK(first.tally.interruptions == 1);
  CHECK_FALSE(first.handed_out);
  CHECK(std::get<job_moved>(changes[1]).state == job_state::buried);
}

TEST_CASE("jobs that were handed out are decided at a start in steps, after all are in order") {
  constexpr std::size_t jobs = 100;
  interruptions_fixture fixture{1};
  const auto letters = fixture.engine.declare("letters", {.durability = durability::sync}).value();
  fixture.engine.declare("q", {.durability = durability::sync, .deliveries_max = 1, .dead_letter = "letters"}).value();
  for (std::uint64_t id = 1; id <= jobs; ++id)
    fixture.engine.restore(handed_out_job(id, fixture.queue(), 0), fixture.now);
  std::size_t steps = 1;
  while (!fixture.engine.end_restoring(10)) ++steps;
  CHECK(steps >= jobs / 10);
  CHECK(fixture.engine.levels(letters).ready == jobs);
  CHECK(fixture.engine.first_ready(letters)->job == job_id{1});
}
