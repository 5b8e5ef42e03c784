#include <tuple>

#include "engine/engine_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

namespace {

std::uint64_t count(const reason_counts& counts, reason cause) {
  return counts[static_cast<std::size_t>(cause)].value();
}

/// A queue `q` whose failed jobs go to `letters`.
struct dead_letter_fixture : engine_fixture {
  explicit dead_letter_fixture(durability of_jobs = durability::memory, durability of_letters = durability::memory) {
    engine.collect_changes(true);
    letters = engine.declare("letters", {.max_jobs = 2, .durability = of_letters}).value();
    engine.declare("q", {.durability = of_jobs, .dead_letter = "letters"}).value();
    client = session();
  }

  finish_status fail(std::string_view error = "why") {
    const auto job = take_id(client);
    return finish(client, job, {.result = outcome::failed, .error_text = std::string{error}});
  }
  change_set changes() {
    change_set taken;
    engine.take_changes(taken);
    return taken;
  }

  queue_id letters;
  session_id client;
};

}  // namespace

TEST_CASE("a dead letter is the same job: id, body, priority, ttr, time of put and counts stay") {
  dead_letter_fixture fixture;
  const auto job = fixture.put(fixture.client, "in", {.priority = 7, .ttr = 9s});
  const auto put_at = fixture.now;
  fixture.pass(3s);
  CHECK(fixture.fail() == finish_status::dead_lettered);
  const auto letter = fixture.engine.look(job).value();
  CHECK(letter.queue == fixture.letters);
  CHECK(letter.state == job_state::ready);
  CHECK(letter.content.view() == "in");
  CHECK(letter.priority == 7);
  CHECK(letter.ttr == 9s);
  CHECK(letter.put_at == put_at);
  CHECK(letter.reserves == 1);
  CHECK(letter.failures == 1);
  CHECK(letter.error_text == "why");
  CHECK(letter.details.cause == reason::failed);
  CHECK(letter.details.origin == "q");
  CHECK(letter.details.first_failure == fixture.now);
  CHECK(letter.details.last_failure == fixture.now);
}

TEST_CASE("a dead letter counts in the queue that it left, and as a put of the dead letter queue") {
  dead_letter_fixture fixture;
  fixture.put(fixture.client);
  fixture.fail();
  const auto& from = fixture.engine.counts(fixture.queue());
  CHECK(count(from.dead_lettered, reason::failed) == 1);
  CHECK(count(from.buried, reason::failed) == 0);
  CHECK(from.finished[static_cast<std::size_t>(outcome::failed)].value() == 1);
  CHECK(fixture.engine.counts(fixture.letters).puts.value() == 1);
  CHECK(fixture.engine.totals().puts.value() == 2);
  CHECK(fixture.engine.levels(fixture.queue()).jobs() == 0);
  CHECK(fixture.engine.levels(fixture.letters).ready_bytes == 3);
}

TEST_CASE("a dead letter goes at once to a session that waits for it") {
  dead_letter_fixture fixture;
  const auto reader = fixture.session({"letters"});
  fixture.put(fixture.client, "in");
  CHECK(fixture.reserve(reader, 60s) == reserve_status::waiting);
  fixture.fail();
  CHECK(fixture.events() == texts{"granted 2: in"});
}

TEST_CASE("a put that waits for capacity is admitted when a dead letter leaves the queue") {
  dead_letter_fixture fixture;
  fixture.engine.declare("q", {.max_jobs = 1, .dead_letter = "letters"}).value();
  const auto putter = fixture.session();
  fixture.put(fixture.client);
  CHECK(fixture.offer(putter, "waits").status == put_status::waiting);
  fixture.fail();
  CHECK(fixture.events() == texts{"put 2: 2"});
}

TEST_CASE("the dead letter queue of a consumer comes before that of the queue") {
  dead_letter_fixture fixture;
  const auto others = fixture.declare("others", 1);
  fixture.put(fixture.client);
  const auto job = fixture.take_id(fixture.client);
  CHECK(fixture.finish(fixture.client, job, {.result = outcome::failed, .dead_letter = others}) ==
        finish_status::dead_lettered);
  CHECK(fixture.engine.look(job)->queue == others);
}

TEST_CASE("with a full dead letter queue the job is buried where it is, and the refusal is counted") {
  dead_letter_fixture fixture;
  for (int n = 0; n < 3; ++n) fixture.put(fixture.client);
  CHECK(fixture.fail() == finish_status::dead_lettered);
  CHECK(fixture.fail() == finish_status::dead_lettered);
  CHECK(fixture.fail() == finish_status::buried);
  CHECK(fixture.state(job_id{3}) == job_state::buried);
  CHECK(fixture.engine.look(job_id{3})->details.cause == reason::failed);
  CHECK(count(fixture.engine.counts(fixture.queue()).buried, reason::failed) == 1);
  CHECK(count(fixture.engine.counts(fixture.letters).rejected, reason::overflow) == 1);
}

TEST_CASE("a dead letter queue that is missing, or the job's own, buries the job") {
  dead_letter_fixture fixture;
  const auto name = GENERATE("missing", "q");
  fixture.engine.declare("q", {.dead_letter = name}).value();
  fixture.put(fixture.client);
  CHECK(fixture.fail() == finish_status::buried);
}

TEST_CASE("a dead letter that fails in a queue with a dead letter of its own is buried there") {
  dead_letter_fixture fixture;
  fixture.engine.declare("letters", {.dead_letter = "q"}).value();
  const auto job = fixture.put(fixture.client);
  fixture.fail();
  const auto reader = fixture.session({"letters"});
  CHECK(fixture.take_id(reader) == job);
  CHECK(fixture.finish(reader, job, {.result = outcome::failed}) == finish_status::buried);
  CHECK(fixture.engine.look(job)->queue == fixture.letters);
  CHECK(fixture.engine.look(job)->details.origin == "q");
  CHECK(fixture.engine.look(job)->failures == 2);
}

TEST_CASE("a job that a client buries is no dead letter") {
  dead_letter_fixture fixture;
  fixture.put(fixture.client);
  const auto job = fixture.take_id(fixture.client);
  CHECK(fixture.engine.bury(fixture.client, job, 5, fixture.now));
  CHECK(fixture.engine.look(job)->queue == fixture.queue());
  CHECK(fixture.engine.look(job)->details.cause == reason::client);
}

TEST_CASE("a dead letter from memory is put into the store; every other move is one of a job that the store has") {
  using enum durability;
  const auto [of_jobs, of_letters] =
      GENERATE(std::pair{memory, memory}, std::pair{memory, relaxed}, std::pair{sync, memory}, std::pair{sync, sync});
  dead_letter_fixture fixture{of_jobs, of_letters};
  const auto job = fixture.put(fixture.client, "in");
  fixture.changes();
  fixture.fail();
  const auto changes = fixture.changes();
  REQUIRE(changes.size() == 1);
  if (of_jobs == memory && of_letters != memory) {
    const auto& put = std::get<job_put>(changes[0]);
    CHECK(put.job == job);
    CHECK(put.queue == fixture.letters);
    CHECK(put.request.content.view() == "in");
    CHECK(put.tally.failures == 1);
    CHECK(put.tally.reserves == 1);
    CHECK(put.error_text == "why");
    CHECK(put.details->origin == "q");
    CHECK(put.durability == of_letters);
    return;
  }
  const auto& moved = std::get<job_moved>(changes[0]);
  CHECK(moved.queue == fixture.letters);
  CHECK(moved.from == fixture.queue());
  CHECK(moved.tally.failures == 1);
  CHECK(moved.details->cause == reason::failed);
  // A job in the store gets its changes and its end there, even after a move to a queue in memory.
  const auto least = of_jobs == memory ? memory : relaxed;
  CHECK(moved.durability == std::max(of_letters, least));
  CHECK(fixture.engine.erase(fixture.client, job, fixture.now));
  CHECK(std::get<job_gone>(fixture.changes()[0]).durability == std::max(of_letters, least));
}

TEST_CASE("a dead letter from memory for which the disk has no space is buried") {
  dead_letter_fixture fixture{durability::memory, durability::sync};
  std::uint64_t space = 2;
  fixture.engine.set_disk_check([&](std::uint64_t bytes) { return bytes <= space; });
  fixture.put(fixture.client, "in");
  fixture.put(fixture.client, "big");
  CHECK(fixture.fail() == finish_status::dead_lettered);
  CHECK(fixture.fail() == finish_status::buried);
}

TEST_CASE("a dead letter queue that drops its oldest makes capacity") {
  dead_letter_fixture fixture;
  fixture.engine.declare("letters", {.max_jobs = 1, .when_full = overflow::drop_oldest}).value();
  fixture.put(fixture.client);
  fixture.put(fixture.client);
  fixture.fail();
  CHECK(fixture.fail() == finish_status::dead_lettered);
  CHECK_FALSE(fixture.engine.look(job_id{1}).has_value());
  CHECK(fixture.engine.first_ready(fixture.letters)->job == job_id{2});
}
