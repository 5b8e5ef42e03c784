#include "engine/engine_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

namespace {

finish_request ok(const std::vector<std::pair<queue_id, std::string>>& outputs) {
  finish_request request;
  for (const auto& [queue, text] : outputs) request.outputs.push_back({queue, {.content = body{text}}});
  return request;
}
std::uint64_t count(const std::array<counter, outcome_count>& counts, outcome result) {
  return counts[static_cast<std::size_t>(result)].value();
}
std::uint64_t count(const reason_counts& counts, reason cause) {
  return counts[static_cast<std::size_t>(cause)].value();
}

}  // namespace

TEST_CASE("a job that is finished is gone, and its outputs are in") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto out = fixture.declare("out", 10);
  fixture.put(s, "in");
  const auto job = fixture.take_id(s);
  CHECK(fixture.finish(s, job, ok({{out, "a"}, {out, "b"}})) == finish_status::done);
  CHECK_FALSE(fixture.engine.look(job).has_value());
  CHECK(count(fixture.engine.counts(fixture.queue()).finished, outcome::ok) == 1);
  CHECK(fixture.engine.counts(out).puts.value() == 2);
  CHECK(fixture.take_all(fixture.session({"out"})) == "a b");
}

TEST_CASE("an output goes at once to who waits for it") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto next = fixture.session({"out"});
  fixture.put(s, "in");
  const auto job = fixture.take_id(s);
  CHECK(fixture.reserve(next, 60s) == reserve_status::waiting);
  fixture.finish(s, job, ok({{fixture.queue("out"), "a"}}));
  CHECK(fixture.events() == texts{"granted 2: a"});
}

TEST_CASE("a job that failed is buried with its error") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto out = fixture.declare("out", 10);
  fixture.put(s, "in");
  const auto job = fixture.take_id(s);
  auto request = ok({{out, "never"}});
  request.result = outcome::failed;
  request.error_text = "no number";
  CHECK(fixture.finish(s, job, request) == finish_status::buried);
  CHECK(fixture.state(job) == job_state::buried);
  CHECK(fixture.engine.look(job)->error_text == "no number");
  CHECK(fixture.engine.look(job)->buries == 1);
  CHECK(fixture.engine.look(job)->failures == 1);
  CHECK(fixture.engine.levels(out).jobs() == 0);
  CHECK(count(fixture.engine.counts(fixture.queue()).finished, outcome::failed) == 1);
  CHECK(count(fixture.engine.counts(fixture.queue()).buried, reason::failed) == 1);
}

TEST_CASE(
    "failed attempts and timeouts count as failures of a job, cancellations do not, and a dead letter keeps the sum") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto letters = fixture.declare("letters", 10);
  fixture.put(s, "in");
  for (const auto result : {outcome::failed, outcome::timeout, outcome::cancelled}) {
    fixture.finish(s, fixture.take_id(s), {.result = result});
    fixture.engine.kick_job(job_id{1}, fixture.now);
  }
  CHECK(fixture.engine.look(job_id{1})->failures == 2);
  fixture.finish(s, fixture.take_id(s), {.result = outcome::failed, .dead_letter = letters});
  CHECK(fixture.engine.first_ready(letters)->failures == 3);
}

TEST_CASE("timeouts and cancellations are counted apart") {
  engine_fixture fixture;
  const auto s = fixture.session();
  for (const auto result : {outcome::timeout, outcome::cancelled}) {
    fixture.put(s, "in");
    CHECK(fixture.finish(s, fixture.take_id(s), {.result = result}) == finish_status::buried);
    CHECK(count(fixture.engine.counts(fixture.queue()).finished, result) == 1);
  }
  CHECK(count(fixture.engine.counts(fixture.queue()).buried, reason::timeout) == 1);
  CHECK(count(fixture.engine.counts(fixture.queue()).buried, reason::cancelled) == 1);
}

TEST_CASE("a long error text is kept up to its limit, and not cut inside a character") {
  engine_fixture fixture;
  const auto s = fixture.session();
  fixture.put(s, "in");
  const auto job = fixture.take_id(s);
  std::string text(error_text_bytes_max - 1, 'x');
  fixture.finish(s, job, {.result = outcome::failed, .error_text = text + "\u00e9tait"});
  CHECK(fixture.engine.look(job)->error_text == text);
}

TEST_CASE("an output queue that is full and rejects makes the job fail") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto spacious = fixture.declare("spacious", 10);
  const auto full = fixture.declare("full", 1, overflow::reject);
  fixture.put(fixture.session({"full"}));
  fixture.put(s, "in");
  const auto job = fixture.take_id(s);
  CHECK(fixture.finish(s, job, ok({{spacious, "a"}, {full, "b"}})) == finish_status::buried);
  CHECK(fixture.engine.levels(spacious).jobs() == 0);
  CHECK(count(fixture.engine.counts(fixture.queue()).finished, outcome::failed) == 1);
  CHECK(count(fixture.engine.counts(fixture.queue()).buried, reason::output_full) == 1);
  CHECK(fixture.engine.look(job)->error_text == "an output queue is full");
}

TEST_CASE("an output queue that is full and drops its oldest makes capacity") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto full = fixture.declare("full", 2, overflow::drop_oldest);
  const auto reader = fixture.session({"full"});
  fixture.put(reader, "old");
  fixture.put(reader, "young");
  fixture.put(s, "in");
  CHECK(fixture.finish(s, fixture.take_id(s), ok({{full, "new"}})) == finish_status::done);
  CHECK(fixture.take_all(reader) == "young new");
}

TEST_CASE("an output queue that is full and blocks holds up the whole finish, behind the puts that wait") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto spacious = fixture.declare("spacious", 10);
  const auto full = fixture.declare("full", 1);
  const auto reader = fixture.session({"full"});
  const auto putter = fixture.session({"full"});
  fixture.put(reader, "first");
  fixture.put(s, "in");
  const auto job = fixture.take_id(s);
  CHECK(fixture.finish(s, job, ok({{spacious, "a"}, {full, "b"}})) == finish_status::waiting);
  CHECK(fixture.offer(putter, "later").status == put_status::waiting);
  CHECK(fixture.state(job) == job_state::reserved);
  CHECK(fixture.engine.levels(spacious).jobs() == 0);
  CHECK(fixture.engine.levels(full).waiting_puts == 2);
  fixture.finish(reader, fixture.take_id(reader));
  CHECK(fixture.events() == texts{"finish 1: 2 done"});
  CHECK(fixture.engine.levels(spacious).jobs() == 1);
  fixture.finish(reader, fixture.take_id(reader));
  CHECK(fixture.events() == texts{"put 3: 5"});
}

TEST_CASE("a finish that has capacity in one queue may have to wait in the next, behind its other waiters") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto first = fixture.declare("one", 1);
  const auto second = fixture.declare("two", 1);
  const auto reader = fixture.session({"one", "two"});
  fixture.engine.use(reader, "one").value();
  const auto in_one = fixture.put(reader);
  fixture.engine.use(reader, "two").value();
  const auto in_two = fixture.put(reader);
  fixture.put(s, "in");
  const auto job = fixture.take_id(s);
  CHECK(fixture.finish(s, job, ok({{first, "a"}, {second, "b"}})) == finish_status::waiting);
  fixture.engine.erase(reader, in_one, fixture.now);
  CHECK(fixture.events().empty());
  CHECK(fixture.engine.levels(first).waiting_puts == 0);
  CHECK(fixture.engine.levels(second).waiting_puts == 1);
  fixture.engine.erase(reader, in_two, fixture.now);
  CHECK(fixture.events() == texts{"finish 1: 3 done"});
}

TEST_CASE("a job that leaves a full queue for itself and others makes capacity there first") {
  engine_fixture fixture;
  fixture.declare("q", 1);
  const auto s = fixture.session();
  const auto putter = fixture.session();
  fixture.put(s, "in");
  const auto job = fixture.take_id(s);
  CHECK(fixture.offer(putter, "waits").status == put_status::waiting);
  CHECK(fixture.finish(s, job, ok({{fixture.queue(), "again"}})) == finish_status::done);
  CHECK(fixture.take(s) == "again");
  CHECK(fixture.events().empty());
  fixture.finish(s, job_id{2});
  CHECK(fixture.events() == texts{"put 2: 3"});
}

TEST_CASE("more outputs than a queue could ever hold make the job fail") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto out = fixture.declare("out", 1);
  fixture.put(s, "in");
  CHECK(fixture.finish(s, fixture.take_id(s), ok({{out, "a"}, {out, "b"}})) == finish_status::buried);
}

TEST_CASE("capacity that a hand-off leaves behind is used in the same command") {
  engine_fixture fixture;
  fixture.declare("in", 1);
  const auto out = fixture.declare("out", 1);
  const auto s = fixture.session({"in"});
  const auto reader = fixture.session({"out"});
  const auto putter = fixture.session({"in"});
  const auto blocker = fixture.put(reader, "blocker");
  fixture.put(s, "1");
  const auto job = fixture.take_id(s);
  CHECK(fixture.finish(s, job, ok({{out, "done"}})) == finish_status::waiting);
  CHECK(fixture.offer(putter, "2").status == put_status::waiting);
  fixture.engine.erase(reader, blocker, fixture.now);
  CHECK(fixture.events() == texts{"finish 1: 2 done", "put 3: 4"});
}

TEST_CASE("an output queue that went while the finish waited for another queue has no capacity") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto full = fixture.declare("full", 1);
  const auto passer_by = fixture.session({"fleeting"});
  const auto fleeting = fixture.queue("fleeting");
  const auto filler = fixture.put(fixture.session({"full"}));
  fixture.put(s, "in");
  const auto job = fixture.take_id(s);
  CHECK(fixture.finish(s, job, ok({{fleeting, "a"}, {full, "b"}})) == finish_status::waiting);
  while (!fixture.engine.close_session(passer_by, fixture.now)) {
  }
  REQUIRE_FALSE(fixture.engine.find("fleeting").has_value());
  fixture.engine.erase(s, filler, fixture.now);
  CHECK(fixture.events() == texts{"finish 1: 2 buried"});
  CHECK(fixture.engine.levels(full).ready == 0);
  CHECK(count(fixture.engine.counts(fixture.queue()).buried, reason::output_full) == 1);
}

TEST_CASE("a finish that is withdrawn leaves the job reserved") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto full = fixture.declare("full", 1);
  const auto filler = fixture.put(fixture.session({"full"}));
  fixture.put(s, "in");
  const auto job = fixture.take_id(s);
  CHECK_FALSE(fixture.engine.withdraw_finish(s, job));
  fixture.finish(s, job, ok({{full, "out"}}));
  CHECK(fixture.engine.withdraw_finish(s, job));
  CHECK_FALSE(fixture.engine.withdraw_finish(s, job));
  CHECK(fixture.state(job) == job_state::reserved);
  fixture.engine.erase(s, filler, fixture.now);
  CHECK(fixture.events().empty());
  CHECK(fixture.finish(s, job, ok({{full, "out"}})) == finish_status::done);
}

TEST_CASE("when the lease ends while a finish waits, its session gets not_found and nothing is put") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto full = fixture.declare("full", 1);
  fixture.put(fixture.session({"full"}));
  fixture.put(s, "in", {.ttr = 5s});
  const auto job = fixture.take_id(s);
  fixture.finish(s, job, ok({{full, "out"}}));
  fixture.pass(5s);
  CHECK(fixture.events() == texts{"finish 1: 2 not_found"});
  CHECK(fixture.state(job) == job_state::ready);
  CHECK(fixture.engine.levels(full).waiting_puts == 0);
}

TEST_CASE("the changes of a hand-off are one set: the job is gone, its outputs are put") {
  engine_fixture fixture;
  fixture.engine.collect_changes(true);
  const auto s = fixture.session();
  const auto full = fixture.declare("full", 1, overflow::drop_oldest);
  const auto dropped = fixture.put(fixture.session({"full"}));
  fixture.put(s, "in");
  const auto job = fixture.take_id(s);
  change_set changes;
  fixture.engine.take_changes(changes);
  REQUIRE(changes.size() == 2);
  fixture.finish(s, job, ok({{full, "out"}}));
  fixture.engine.take_changes(changes);
  REQUIRE(changes.size() == 3);
  CHECK(std::get<job_gone>(changes[0]).job == job);
  CHECK(std::get<job_gone>(changes[1]).job == dropped);
  CHECK(std::get<job_put>(changes[2]).request.content.view() == "out");
  CHECK(std::get<job_put>(changes[2]).queue == full);
}

TEST_CASE("a finish answers with the outcome that its job is counted as") {
  engine_fixture fixture;
  const auto s = fixture.session();
  const auto full = fixture.declare("full", 1, overflow::reject);
  fixture.engine.put(s, full, {.content = body{"in the way"}}, fixture.now);
  const auto outcome_of = [&](finish_request request) {
    fixture.put(s, "in");
    request.job = fixture.take_id(s);
    return fixture.engine.finish(s, std::move(request), fixture.now).outcome;
  };
  CHECK(outcome_of({}) == outcome::ok);
  CHECK(outcome_of({.result = outcome::failed}) == outcome::failed);
  CHECK(outcome_of({.result = outcome::timeout}) == outcome::timeout);
  CHECK(outcome_of({.outputs = {{full, {.content = body{"out"}}}}}) == outcome::failed);
  CHECK(fixture.engine.finish(s, {.job = job_id{1'000}}, fixture.now).outcome == outcome::deleted);
}
