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
  change_fixture m;
  const auto job = m.letter();
  const auto before = m.look(job);
  CHECK(before.queue == m.queue("letters"));
  CHECK(before.details.origin == "q");
  CHECK(before.failures == 1);
  m.pass(1s);
  CHECK(m.change(job, {.type = kind::redrive}) == change_result::changed);
  const auto after = m.look(job);
  CHECK(after.queue == m.queue("q"));
  CHECK(after.state == job_state::ready);
  CHECK(after.put_at == before.put_at);
  CHECK(after.reserves == 1);
  CHECK(after.failures == 0);
  CHECK(after.error_text.empty());
  CHECK(after.details == job_details{});
  CHECK(m.take_id(m.client) == job);
}

TEST_CASE("a redrive can keep the counts and the times of failures") {
  change_fixture m;
  const auto job = m.letter();
  const auto before = m.look(job);
  CHECK(m.change(job, {.type = kind::redrive, .keep_counts = true}) == change_result::changed);
  const auto after = m.look(job);
  CHECK(after.failures == 1);
  CHECK(after.details.first_failure == before.details.first_failure);
  CHECK(after.details.origin.empty());
  CHECK_FALSE(after.details.cause);
}

TEST_CASE("a redrive goes to another queue if one is named, and creates a queue that is gone") {
  change_fixture m;
  const auto job = m.letter();
  const auto two = m.letter();
  CHECK(m.change(job, {.type = kind::redrive, .queue = "other"}) == change_result::changed);
  CHECK(m.look(job).queue == m.queue("other"));
  const auto old = m.queue("q");
  m.engine.undeclare(old);
  CHECK(m.engine.close_session(m.client, m.now));
  REQUIRE_FALSE(m.engine.find("q"));
  CHECK(m.change(two, {.type = kind::redrive}) == change_result::changed);
  CHECK(m.look(two).queue == m.queue("q"));
}

TEST_CASE("a redrive ignores the limits of the queue, and a job that is no dead letter has no origin") {
  change_fixture m;
  const auto job = m.letter();
  m.engine.declare("q", {.max_jobs = 1, .when_full = overflow::reject, .dead_letter = "letters"}).value();
  const auto other = m.put(m.client);
  CHECK(m.change(job, {.type = kind::redrive}) == change_result::changed);
  CHECK(m.engine.levels(m.queue()).ready == 2);
  CHECK(m.change(other, {.type = kind::redrive}) == change_result::no_origin);
  CHECK(m.change(other, {.type = kind::redrive, .queue = "q"}) == change_result::same_queue);
  CHECK(m.change(job_id{99}, {.type = kind::redrive}) == change_result::not_found);
}

TEST_CASE("a dead letter does not expire, and has its whole time again after a redrive") {
  change_fixture m;
  const auto job = m.letter(5s);
  m.pass(60s);
  CHECK(m.look(job).queue == m.queue("letters"));
  CHECK(m.change(job, {.type = kind::redrive}) == change_result::changed);
  m.pass(5s - 1ns);
  CHECK(m.state(job) == job_state::ready);
  m.pass(1ns);
  // It is a dead letter again, because nobody took it.
  CHECK(m.look(job).queue == m.queue("letters"));
  CHECK(m.look(job).details.cause == reason::expired);
}

TEST_CASE("a reserved job is changed by nobody else, whatever the change") {
  change_fixture m;
  const auto job = m.put(m.client);
  m.take_id(m.client);
  for (const auto type : {kind::redrive, kind::move, kind::cancel, kind::erase, kind::kick, kind::set_priority})
    CHECK(m.change(job, {.type = type, .queue = "other"}) == change_result::wrong_state);
  CHECK(m.look(job).holder == m.client);
  CHECK_FALSE(m.engine.find("other"));
}

TEST_CASE("a moved job keeps its state, and a delayed one its due time") {
  change_fixture m;
  const auto delayed = m.put(m.client, "x", {.delay = 10s});
  const auto buried = m.put(m.client);
  m.take_id(m.client);
  CHECK(m.engine.bury(m.client, buried, 7, m.now));
  const auto ready = m.put(m.client);
  const auto due = m.look(delayed).due;
  m.pass(4s);
  const auto other = m.session({"other"});
  CHECK(m.reserve(other, 60s) == reserve_status::waiting);
  for (const auto job : {delayed, buried, ready})
    CHECK(m.change(job, {.type = kind::move, .queue = "other"}) == change_result::changed);
  CHECK(m.look(delayed).due == due);
  CHECK(m.state(buried) == job_state::buried);
  CHECK(m.look(buried).queue == m.queue("other"));
  CHECK(m.events() == texts{"granted " + std::to_string(other.value()) + ": job"});
  CHECK(m.look(ready).holder == other);
}

TEST_CASE("a new priority takes effect at once, and the job keeps its place in the order of entry") {
  change_fixture m;
  const auto first = m.put(m.client, "first");
  const auto second = m.put(m.client, "second");
  CHECK(m.change(second, {.type = kind::set_priority, .priority = 5}) == change_result::changed);
  CHECK(m.engine.levels(m.queue()).urgent == 1);
  CHECK(m.engine.totals().urgent == 1);
  CHECK(m.engine.first_ready(m.queue())->job == second);
  CHECK(m.engine.purge(m.queue(), job_state::ready, m.now, m.now) == 2);
  CHECK_FALSE(m.engine.look(first));
  CHECK(m.engine.totals().urgent == 0);
}

TEST_CASE("cancel, delete and kick of found jobs are counted as such") {
  change_fixture m;
  const auto job = m.put(m.client);
  const auto two = m.put(m.client);
  const auto three = m.put(m.client, "x", {.delay = 5s});
  CHECK(m.change(job, {.type = kind::cancel}) == change_result::changed);
  CHECK(m.change(two, {.type = kind::kick}) == change_result::wrong_state);
  CHECK(m.change(two, {.type = kind::erase}) == change_result::changed);
  CHECK(m.change(three, {.type = kind::kick}) == change_result::changed);
  const auto& counts = m.engine.counts(m.queue());
  CHECK(counts.finished[static_cast<std::size_t>(outcome::cancelled)].value() == 1);
  CHECK(counts.deletes.value() == 1);
  CHECK(counts.kicked.value() == 1);
  CHECK(m.state(three) == job_state::ready);
}

TEST_CASE("changes of a durable job go to the store with its new queue, counts and details") {
  change_fixture m;
  m.engine.declare("letters", {.durability = durability::sync}).value();
  m.engine.declare("q", {.durability = durability::sync, .dead_letter = "letters"}).value();
  m.engine.collect_changes(true);
  const auto job = m.letter();
  change_set changes;
  m.engine.take_changes(changes);
  CHECK(m.change(job, {.type = kind::redrive}) == change_result::changed);
  m.engine.take_changes(changes);
  REQUIRE(changes.size() == 1);
  const auto& moved = std::get<job_moved>(changes.front());
  CHECK(moved.queue == m.queue("q"));
  CHECK(moved.left == m.queue("letters"));
  CHECK(moved.tally.failures == 0);
  CHECK(moved.details == nullptr);
  CHECK(m.change(job, {.type = kind::set_priority, .priority = 3}) == change_result::changed);
  m.engine.take_changes(changes);
  CHECK(std::get<job_moved>(changes.at(0)).priority == 3);
}
