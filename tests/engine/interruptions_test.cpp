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
  interruptions_fixture m{0};
  m.put(m.client, "in", {.ttr = 5s});
  m.take_id(m.client);
  m.pass(5s);
  CHECK(m.facts().interruptions == 1);
  const auto lost = m.session();
  m.take_id(lost);
  m.close(lost, session_end::lost);
  CHECK(m.facts().interruptions == 2);
  const auto returned = m.session();
  m.take_id(returned);
  m.close(returned, session_end::returned);
  CHECK(m.engine.release(m.client, m.take_id(m.client), 5, 0s, m.now));
  m.finish(m.client, m.take_id(m.client), {.result = outcome::failed});
  CHECK(m.facts().interruptions == 2);
  CHECK(m.facts().reserves == 5);
  CHECK(m.facts().failures == 1);
  CHECK(m.engine.counts(m.queue()).interrupted.value() == 2);
}

TEST_CASE("without a limit of deliveries a job is interrupted as often as it happens") {
  interruptions_fixture m{0};
  m.put(m.client, "in", {.ttr = 1s});
  for (int n = 0; n < 100; ++n) {
    m.take_id(m.client);
    m.pass(1s);
  }
  CHECK(m.facts().state == job_state::ready);
  CHECK(m.facts().interruptions == 100);
}

TEST_CASE("a job whose lease ended as often as its queue allows is buried as undeliverable") {
  interruptions_fixture m;
  m.put(m.client, "in", {.ttr = 5s});
  m.take_id(m.client);
  m.pass(5s);
  CHECK(m.facts().state == job_state::ready);
  m.take_id(m.client);
  m.pass(5s);
  CHECK(m.facts().state == job_state::buried);
  CHECK(m.facts().details.cause == reason::undeliverable);
  CHECK(m.facts().failures == 0);
  CHECK(m.buried_as_undeliverable() == 1);
}

TEST_CASE("a job whose holders were lost as often as its queue allows goes to the dead letter queue") {
  interruptions_fixture m;
  const auto letters = m.declare("letters", 10);
  m.engine.declare("q", {.deliveries_max = 2, .dead_letter = "letters"}).value();
  m.put(m.client);
  for (int n = 0; n < 2; ++n) {
    const auto lost = m.session();
    m.take_id(lost, lease::unlimited);
    m.close(lost, session_end::lost);
  }
  CHECK(m.facts().queue == letters);
  CHECK(m.facts().state == job_state::ready);
  CHECK(m.facts().details.cause == reason::undeliverable);
  CHECK(m.facts().interruptions == 2);
}

TEST_CASE("a holder can say itself that the work on its job ended without an answer") {
  interruptions_fixture m{2};
  m.put(m.client, "in");
  m.changes();
  CHECK(m.interrupt("the worker was killed") == finish_status::interrupted);
  CHECK(m.facts().state == job_state::ready);
  CHECK(m.facts().interruptions == 1);
  CHECK(m.facts().failures == 0);
  CHECK(m.facts().error_text == "the worker was killed");
  const auto stored = m.changes();
  REQUIRE_FALSE(stored.empty());
  CHECK(std::get<job_moved>(stored.back()).error_text == "the worker was killed");
  const auto answer = m.interrupt();
  CHECK(answer == finish_status::buried);
  CHECK(answer.outcome == outcome::failed);
  CHECK(m.facts().details.cause == reason::undeliverable);
  CHECK(m.engine.counts(m.queue()).interrupted.value() == 2);
}

TEST_CASE("a holder limits the interruptions of its job only where the queue says nothing") {
  const auto of_queue = GENERATE(std::optional<std::uint32_t>{}, std::optional{0u}, std::optional{5u});
  interruptions_fixture m;
  const auto letters = m.declare("letters", 10);
  m.engine.declare("q", {.deliveries_max = of_queue}).value();
  m.put(m.client, "in");
  for (unsigned n = 1; n <= 5; ++n) {
    const auto id = m.take_id(m.client);
    const auto answer =
        m.finish(m.client, id, {.result = outcome::interrupted, .dead_letter = letters, .deliveries_max = 3});
    const bool is_last = of_queue ? n == *of_queue : n == 3;
    CAPTURE(n, of_queue.value_or(99));
    CHECK(answer == (is_last ? finish_status::dead_lettered : finish_status::interrupted));
    if (is_last) break;
  }
}

TEST_CASE("an interrupted job whose time is over expires instead of being undeliverable") {
  interruptions_fixture m;
  m.engine.declare("q", {.deliveries_max = 1, .expire_after = 5s}).value();
  m.put(m.client, "in");
  const auto id = m.take_id(m.client);
  m.pass(5s);
  const auto answer = m.engine.finish(m.client, {.job = id, .result = outcome::interrupted}, m.now);
  CHECK(answer == finish_status::expired);
  CHECK(answer.outcome == outcome::expired);
  CHECK(m.buried_as_undeliverable() == 0);
}

TEST_CASE("a session that is lost with many jobs gives them up in turns") {
  interruptions_fixture m{1};
  m.engine.declare("q", {.deliveries_max = 1}).value();
  for (std::size_t n = 0; n <= moves_per_turn_max; ++n) {
    m.put(m.client, "x");
    m.take_id(m.client);
  }
  CHECK_FALSE(m.engine.close_session(m.client, m.now, session_end::lost));
  CHECK(m.engine.levels(m.queue()).buried == moves_per_turn_max);
  CHECK(m.engine.close_session(m.client, m.now, session_end::lost));
  CHECK(m.engine.levels(m.queue()).buried == moves_per_turn_max + 1);
}

TEST_CASE("a hand-out is stored only where a durable queue limits deliveries, and ends with the next change") {
  const bool is_limited = GENERATE(true, false);
  const auto of_jobs = GENERATE(durability::sync, durability::memory);
  interruptions_fixture m{is_limited ? 2u : 0u, of_jobs};
  m.put(m.client);
  m.changes();
  const auto job = m.take_id(m.client);
  const auto changes = m.changes();
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
  CHECK(m.engine.release(m.client, job, 5, 0s, m.now));
  CHECK_FALSE(std::get<job_moved>(m.changes()[0]).handed_out);
}

TEST_CASE("a hand-out to other processes is a change unless the queue limits nothing, and three of them are enough") {
  const auto of_queue = GENERATE(std::optional<std::uint32_t>{}, std::optional{0u}, std::optional{5u});
  CAPTURE(of_queue.value_or(99));
  interruptions_fixture m;
  m.engine.declare("q", {.durability = durability::sync, .deliveries_max = of_queue}).value();
  const auto processes = m.engine.open_session(session_kind::other_processes);
  m.engine.watch(processes, "q").value();
  m.put(m.client);
  m.changes();
  m.take_id(processes);
  CHECK(m.changes().size() == (of_queue == 0u ? 0 : 1));
  m.close(processes, session_end::returned);
  m.changes();
  m.take_id(m.client);
  CHECK(m.changes().size() == (of_queue == 5u ? 1 : 0));

  m.engine.restore(handed_out_job(10, m.queue(), 1), m.now);
  m.engine.restore(handed_out_job(11, m.queue(), 2), m.now);
  m.engine.restore(handed_out_job(12, m.queue(), 4), m.now);
  CHECK(m.engine.end_restoring());
  CHECK(m.facts(job_id{10}).state == job_state::ready);
  CHECK(m.facts(job_id{11}).state == (of_queue ? job_state::ready : job_state::buried));
  CHECK(m.facts(job_id{12}).state == (of_queue == 0u ? job_state::ready : job_state::buried));
}

TEST_CASE("a job that was handed out when the program died has been interrupted once more, and the store learns it") {
  interruptions_fixture m;
  m.engine.restore(handed_out_job(1, m.queue(), 0), m.now);
  m.engine.restore(handed_out_job(2, m.queue(), 1), m.now);
  CHECK(m.engine.end_restoring());
  CHECK(m.facts(job_id{1}).state == job_state::ready);
  CHECK(m.facts(job_id{1}).interruptions == 1);
  CHECK(m.facts(job_id{2}).state == job_state::buried);
  CHECK(m.facts(job_id{2}).interruptions == 2);
  CHECK(m.buried_as_undeliverable() == 1);
  const auto changes = m.changes();
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
  interruptions_fixture m{1};
  const auto letters = m.engine.declare("letters", {.durability = durability::sync}).value();
  m.engine.declare("q", {.durability = durability::sync, .deliveries_max = 1, .dead_letter = "letters"}).value();
  for (std::uint64_t id = 1; id <= jobs; ++id) m.engine.restore(handed_out_job(id, m.queue(), 0), m.now);
  std::size_t steps = 1;
  while (!m.engine.end_restoring(10)) ++steps;
  CHECK(steps >= jobs / 10);
  CHECK(m.engine.levels(letters).ready == jobs);
  CHECK(m.engine.first_ready(letters)->job == job_id{1});
}
