#include "engine/engine_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

namespace {

using kind = job_change::kind;

/// A queue `q` whose failed jobs go to `letters`.
struct change_fixture : engine_fixture {
  change_fixture() {
    engine.declare("letters", {}).value();
    engine.declare("q", {.dead_letter = "letters"}).value();
    client = session({"q"});
  }
  /// A dead letter of `q`.
  job_id letter(duration expire_after = duration{0}) {
    put_request request{.content = body{"x"}};
    if (expire_after > duration{0}) request.expire_after = expire_after;
    const auto job = engine.put(client, queue(), std::move(request), now).job;
    REQUIRE(take_id(client) == job);
    REQUIRE(finish(client, job, {.result = outcome::failed, .error_text = "broken"}) == finish_status::dead_lettered);
    return job;
  }
  change_result change(job_id job, const job_change& wanted) { return engine.change_job(job, wanted, now); }
  job_facts look(job_id job) { return engine.look(job).value(); }

  session_id client;
};

}  // namespace

TEST_CASE("a redrive brings a dead letter back with its id and put time, and its failures start anew") {
  change_fixture fixture;
  const auto job = fixture.letter();
  const auto before = fixture.look(job);
  CHECK(before.queue == fixture.queue("letters"));
  CHECK(before.details.origin == "q");
  CHECK(before.failures == 1);
  fixture.pass(1s);
  CHECK(fixture.change(job, {.type = kind::redrive}) == change_result::changed);
  const auto after = fixture.look(job);
  CHECK(after.queue == fixture.queue("q"));
  CHECK(after.state == job_state::ready);
  CHECK(after.put_at == before.put_at);
  CHECK(after.reserves == 1);
  CHECK(after.failures == 0);
  CHECK(after.error_text.empty());
  CHECK(after.details == job_details{});
  CHECK(fixture.take_id(fixture.client) == job);
}

TEST_CASE("a redrive can keep the counts and the times of failures") {
  change_fixture fixture;
  const auto job = fixture.letter();
  const auto before = fixture.look(job);
  CHECK(fixture.change(job, {.type = kind::redrive, .keep_counts = true}) == change_result::changed);
  const auto after = fixture.look(job);
  CHECK(after.failures == 1);
  CHECK(after.details.first_failure == before.details.first_failure);
  CHECK(after.details.origin.empty());
  CHECK_FALSE(after.details.cause);
}

TEST_CASE("a redrive goes to another queue if one is named, and creates a queue that is gone") {
  change_fixture fixture;
  const auto job = fixture.letter();
  const auto two = fixture.letter();
  CHECK(fixture.change(job, {.type = kind::redrive, .queue = "other"}) == change_result::changed);
  CHECK(fixture.look(job).queue == fixture.queue("other"));
  const auto old = fixture.queue("q");
  fixture.engine.undeclare(old);
  CHECK(fixture.engine.close_session(fixture.client, fixture.now));
  REQUIRE_FALSE(fixture.engine.find("q"));
  CHECK(fixture.change(two, {.type = kind::redrive}) == change_result::changed);
  CHECK(fixture.look(two).queue == fixture.queue("q"));
}

TEST_CASE("a redrive ignores the limits of the queue, and a job that is no dead letter has no origin") {
  change_fixture fixture;
  const auto job = fixture.letter();
  fixture.engine.declare("q", {.max_jobs = 1, .when_full = overflow::reject, .dead_letter = "letters"}).value();
  const auto other = fixture.put(fixture.client);
  CHECK(fixture.change(job, {.type = kind::redrive}) == change_result::changed);
  CHECK(fixture.engine.levels(fixture.queue()).ready == 2);
  CHECK(fixture.change(other, {.type = kind::redrive}) == change_result::no_origin);
  CHECK(fixture.change(other, {.type = kind::redrive, .queue = "q"}) == change_result::same_queue);
  CHECK(fixture.change(job_id{99}, {.type = kind::redrive}) == change_result::not_found);
}

TEST_CASE("a dead letter does not expire, and has its whole time again after a redrive") {
  change_fixture fixture;
  const auto job = fixture.letter(5s);
  fixture.pass(60s);
  CHECK(fixture.look(job).queue == fixture.queue("letters"));
  CHECK(fixture.change(job, {.type = kind::redrive}) == change_result::changed);
  fixture.pass(5s - 1ns);
  CHECK(fixture.state(job) == job_state::ready);
  fixture.pass(1ns);
  // It is a dead letter again, because nobody took it.
  CHECK(fixture.look(job).queue == fixture.queue("letters"));
  CHECK(fixture.look(job).details.cause == reason::expired);
}

TEST_CASE("a reserved job is changed by nobody else, whatever the change") {
  change_fixture fixture;
  const auto job = fixture.put(fixture.client);
  fixture.take_id(fixture.client);
  for (const auto type : {kind::redrive, kind::move, kind::cancel, kind::erase, kind::kick, kind::set_priority})
    CHECK(fixture.change(job, {.type = type, .queue = "other"}) == change_result::wrong_state);
  CHECK(fixture.look(job).holder == fixture.client);
  CHECK_FALSE(fixture.engine.find("other"));
}

TEST_CASE("a moved job keeps its state, and a delayed one its due time") {
  change_fixture fixture;
  const auto delayed = fixture.put(fixture.client, "x", {.delay = 10s});
  const auto buried = fixture.put(fixture.client);
  fixture.take_id(fixture.client);
  CHECK(fixture.engine.bury(fixture.client, buried, 7, fixture.now));
  const auto ready = fixture.put(fixture.client);
  const auto due = fixture.look(delayed).due;
  fixture.pass(4s);
  const auto other = fixture.session({"other"});
  CHECK(fixture.reserve(other, 60s) == reserve_status::waiting);
  for (const auto job : {delayed, buried, ready})
    CHECK(fixture.change(job, {.type = kind::move, .queue = "other"}) == change_result::changed);
  CHECK(fixture.look(delayed).due == due);
  CHECK(fixture.state(buried) == job_state::buried);
  CHECK(fixture.look(buried).queue == fixture.queue("other"));
  CHECK(fixture.events() == texts{"granted " + std::to_string(other.value()) + ": job"});
  CHECK(fixture.look(ready).holder == other);
}

TEST_CASE("a new priority takes effect at once, and the job keeps its place in the order of entry") {
  change_fixture fixture;
  const auto first = fixture.put(fixture.client, "first");
  const auto second = fixture.put(fixture.client, "second");
  CHECK(fixture.change(second, {.type = kind::set_priority, .priority = 5}) == change_result::changed);
  CHECK(fixture.engine.levels(fixture.queue()).urgent == 1);
  CHECK(fixture.engine.totals().urgent == 1);
  CHECK(fixture.engine.first_ready(fixture.queue())->job == second);
  CHECK(fixture.engine.purge(fixture.queue(), job_state::ready, fixture.now, fixture.now) == 2);
  CHECK_FALSE(fixture.engine.look(first));
  CHECK(fixture.engine.totals().urgent == 0);
}

TEST_CASE("cancel, delete and kick of found jobs are counted as such") {
  change_fixture fixture;
  const auto job = fixture.put(fixture.client);
  const auto two = fixture.put(fixture.client);
  const auto three = fixture.put(fixture.client, "x", {.delay = 5s});
  CHECK(fixture.change(job, {.type = kind::cancel}) == change_result::changed);
  CHECK(fixture.change(two, {.type = kind::kick}) == change_result::wrong_state);
  CHECK(fixture.change(two, {.type = kind::erase}) == change_result::changed);
  CHECK(fixture.change(three, {.type = kind::kick}) == change_result::changed);
  const auto& counts = fixture.engine.counts(fixture.queue());
  CHECK(counts.finished[static_cast<std::size_t>(outcome::cancelled)].value() == 1);
  CHECK(counts.deletes.value() == 1);
  CHECK(counts.kicked.value() == 1);
  CHECK(fixture.state(three) == job_state::ready);
}

TEST_CASE("changes of a durable job go to the store with its new queue, counts and details") {
  change_fixture fixture;
  fixture.engine.declare("letters", {.durability = durability::sync}).value();
  fixture.engine.declare("q", {.durability = durability::sync, .dead_letter = "letters"}).value();
  fixture.engine.collect_changes(true);
  const auto job = fixture.letter();
  change_set changes;
  fixture.engine.take_changes(changes);
  CHECK(fixture.change(job, {.type = kind::redrive}) == change_result::changed);
  fixture.engine.take_changes(changes);
  REQUIRE(changes.size() == 1);
  const auto& moved = std::get<job_moved>(changes.front());
  CHECK(moved.queue == fixture.queue("q"));
  CHECK(moved.from == fixture.queue("letters"));
  CHECK(moved.tally.failures == 0);
  CHECK(moved.details == nullptr);
  CHECK(fixture.change(job, {.type = kind::set_priority, .priority = 3}) == change_result::changed);
  fixture.engine.take_changes(changes);
  CHECK(std::get<job_moved>(changes.at(0)).priority == 3);
}
