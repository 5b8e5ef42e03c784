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
  engine_fixture m;
  const auto s = m.session();
  const auto out = m.declare("out", 10);
  m.put(s, "in");
  const auto job = m.take_id(s);
  CHECK(m.finish(s, job, ok({{out, "a"}, {out, "b"}})) == finish_status::done);
  CHECK_FALSE(m.engine.look(job).has_value());
  CHECK(count(m.engine.counts(m.queue()).finished, outcome::ok) == 1);
  CHECK(m.engine.counts(out).puts.value() == 2);
  CHECK(m.take_all(m.session({"out"})) == "a b");
}

TEST_CASE("an output goes at once to who waits for it") {
  engine_fixture m;
  const auto s = m.session();
  const auto next = m.session({"out"});
  m.put(s, "in");
  const auto job = m.take_id(s);
  CHECK(m.reserve(next, 60s) == reserve_status::waiting);
  m.finish(s, job, ok({{m.queue("out"), "a"}}));
  CHECK(m.events() == texts{"granted 2: a"});
}

TEST_CASE("a job that failed is buried with its error") {
  engine_fixture m;
  const auto s = m.session();
  const auto out = m.declare("out", 10);
  m.put(s, "in");
  const auto job = m.take_id(s);
  auto request = ok({{out, "never"}});
  request.result = outcome::failed;
  request.error_text = "no number";
  CHECK(m.finish(s, job, request) == finish_status::buried);
  CHECK(m.state(job) == job_state::buried);
  CHECK(m.engine.look(job)->error_text == "no number");
  CHECK(m.engine.look(job)->buries == 1);
  CHECK(m.engine.look(job)->failures == 1);
  CHECK(m.engine.levels(out).jobs() == 0);
  CHECK(count(m.engine.counts(m.queue()).finished, outcome::failed) == 1);
  CHECK(count(m.engine.counts(m.queue()).buried, reason::failed) == 1);
}

TEST_CASE(
    "failed attempts and timeouts count as failures of a job, cancellations do not, and a dead letter keeps the sum") {
  engine_fixture m;
  const auto s = m.session();
  const auto letters = m.declare("letters", 10);
  m.put(s, "in");
  for (const auto result : {outcome::failed, outcome::timeout, outcome::cancelled}) {
    m.finish(s, m.take_id(s), {.result = result});
    m.engine.kick_job(job_id{1}, m.now);
  }
  CHECK(m.engine.look(job_id{1})->failures == 2);
  m.finish(s, m.take_id(s), {.result = outcome::failed, .dead_letter = letters});
  CHECK(m.engine.first_ready(letters)->failures == 3);
}

TEST_CASE("timeouts and cancellations are counted apart") {
  engine_fixture m;
  const auto s = m.session();
  for (const auto result : {outcome::timeout, outcome::cancelled}) {
    m.put(s, "in");
    CHECK(m.finish(s, m.take_id(s), {.result = result}) == finish_status::buried);
    CHECK(count(m.engine.counts(m.queue()).finished, result) == 1);
  }
  CHECK(count(m.engine.counts(m.queue()).buried, reason::timeout) == 1);
  CHECK(count(m.engine.counts(m.queue()).buried, reason::cancelled) == 1);
}

TEST_CASE("a long error text is kept up to its limit, and not cut inside a character") {
  engine_fixture m;
  const auto s = m.session();
  m.put(s, "in");
  const auto job = m.take_id(s);
  std::string text(error_text_bytes_max - 1, 'x');
  m.finish(s, job, {.result = outcome::failed, .error_text = text + "\u00e9tait"});
  CHECK(m.engine.look(job)->error_text == text);
}

TEST_CASE("an output queue that is full and rejects makes the job fail") {
  engine_fixture m;
  const auto s = m.session();
  const auto spacious = m.declare("spacious", 10);
  const auto full = m.declare("full", 1, overflow::reject);
  m.put(m.session({"full"}));
  m.put(s, "in");
  const auto job = m.take_id(s);
  CHECK(m.finish(s, job, ok({{spacious, "a"}, {full, "b"}})) == finish_status::buried);
  CHECK(m.engine.levels(spacious).jobs() == 0);
  CHECK(count(m.engine.counts(m.queue()).finished, outcome::failed) == 1);
  CHECK(count(m.engine.counts(m.queue()).buried, reason::output_full) == 1);
  CHECK(m.engine.look(job)->error_text == "an output queue is full");
}

TEST_CASE("an output queue that is full and drops its oldest makes capacity") {
  engine_fixture m;
  const auto s = m.session();
  const auto full = m.declare("full", 2, overflow::drop_oldest);
  const auto reader = m.session({"full"});
  m.put(reader, "old");
  m.put(reader, "young");
  m.put(s, "in");
  CHECK(m.finish(s, m.take_id(s), ok({{full, "new"}})) == finish_status::done);
  CHECK(m.take_all(reader) == "young new");
}

TEST_CASE("an output queue that is full and blocks holds up the whole finish, behind the puts that wait") {
  engine_fixture m;
  const auto s = m.session();
  const auto spacious = m.declare("spacious", 10);
  const auto full = m.declare("full", 1);
  const auto reader = m.session({"full"});
  const auto putter = m.session({"full"});
  m.put(reader, "first");
  m.put(s, "in");
  const auto job = m.take_id(s);
  CHECK(m.finish(s, job, ok({{spacious, "a"}, {full, "b"}})) == finish_status::waiting);
  CHECK(m.offer(putter, "later").status == put_status::waiting);
  CHECK(m.state(job) == job_state::reserved);
  CHECK(m.engine.levels(spacious).jobs() == 0);
  CHECK(m.engine.levels(full).waiting_puts == 2);
  m.finish(reader, m.take_id(reader));
  CHECK(m.events() == texts{"finish 1: 2 done"});
  CHECK(m.engine.levels(spacious).jobs() == 1);
  m.finish(reader, m.take_id(reader));
  CHECK(m.events() == texts{"put 3: 5"});
}

TEST_CASE("a finish that has capacity in one queue may have to wait in the next, behind its other waiters") {
  engine_fixture m;
  const auto s = m.session();
  const auto first = m.declare("one", 1);
  const auto second = m.declare("two", 1);
  const auto reader = m.session({"one", "two"});
  m.engine.use(reader, "one").value();
  const auto in_one = m.put(reader);
  m.engine.use(reader, "two").value();
  const auto in_two = m.put(reader);
  m.put(s, "in");
  const auto job = m.take_id(s);
  CHECK(m.finish(s, job, ok({{first, "a"}, {second, "b"}})) == finish_status::waiting);
  m.engine.erase(reader, in_one, m.now);
  CHECK(m.events().empty());
  CHECK(m.engine.levels(first).waiting_puts == 0);
  CHECK(m.engine.levels(second).waiting_puts == 1);
  m.engine.erase(reader, in_two, m.now);
  CHECK(m.events() == texts{"finish 1: 3 done"});
}

TEST_CASE("a job that leaves a full queue for itself and others makes capacity there first") {
  engine_fixture m;
  m.declare("q", 1);
  const auto s = m.session();
  const auto putter = m.session();
  m.put(s, "in");
  const auto job = m.take_id(s);
  CHECK(m.offer(putter, "waits").status == put_status::waiting);
  CHECK(m.finish(s, job, ok({{m.queue(), "again"}})) == finish_status::done);
  CHECK(m.take(s) == "again");
  CHECK(m.events().empty());
  m.finish(s, job_id{2});
  CHECK(m.events() == texts{"put 2: 3"});
}

TEST_CASE("more outputs than a queue could ever hold make the job fail") {
  engine_fixture m;
  const auto s = m.session();
  const auto out = m.declare("out", 1);
  m.put(s, "in");
  CHECK(m.finish(s, m.take_id(s), ok({{out, "a"}, {out, "b"}})) == finish_status::buried);
}

TEST_CASE("capacity that a hand-off leaves behind is used in the same command") {
  engine_fixture m;
  m.declare("in", 1);
  const auto out = m.declare("out", 1);
  const auto s = m.session({"in"});
  const auto reader = m.session({"out"});
  const auto putter = m.session({"in"});
  const auto blocker = m.put(reader, "blocker");
  m.put(s, "1");
  const auto job = m.take_id(s);
  CHECK(m.finish(s, job, ok({{out, "done"}})) == finish_status::waiting);
  CHECK(m.offer(putter, "2").status == put_status::waiting);
  m.engine.erase(reader, blocker, m.now);
  CHECK(m.events() == texts{"finish 1: 2 done", "put 3: 4"});
}

TEST_CASE("an output queue that went while the finish waited for another queue has no capacity") {
  engine_fixture m;
  const auto s = m.session();
  const auto full = m.declare("full", 1);
  const auto passer_by = m.session({"fleeting"});
  const auto fleeting = m.queue("fleeting");
  const auto filler = m.put(m.session({"full"}));
  m.put(s, "in");
  const auto job = m.take_id(s);
  CHECK(m.finish(s, job, ok({{fleeting, "a"}, {full, "b"}})) == finish_status::waiting);
  while (!m.engine.close_session(passer_by, m.now)) {
  }
  REQUIRE_FALSE(m.engine.find("fleeting").has_value());
  m.engine.erase(s, filler, m.now);
  CHECK(m.events() == texts{"finish 1: 2 buried"});
  CHECK(m.engine.levels(full).ready == 0);
  CHECK(count(m.engine.counts(m.queue()).buried, reason::output_full) == 1);
}

TEST_CASE("a finish that is withdrawn leaves the job reserved") {
  engine_fixture m;
  const auto s = m.session();
  const auto full = m.declare("full", 1);
  const auto filler = m.put(m.session({"full"}));
  m.put(s, "in");
  const auto job = m.take_id(s);
  CHECK_FALSE(m.engine.withdraw_finish(s, job));
  m.finish(s, job, ok({{full, "out"}}));
  CHECK(m.engine.withdraw_finish(s, job));
  CHECK_FALSE(m.engine.withdraw_finish(s, job));
  CHECK(m.state(job) == job_state::reserved);
  m.engine.erase(s, filler, m.now);
  CHECK(m.events().empty());
  CHECK(m.finish(s, job, ok({{full, "out"}})) == finish_status::done);
}

TEST_CASE("when the lease ends while a finish waits, its session gets not_found and nothing is put") {
  engine_fixture m;
  const auto s = m.session();
  const auto full = m.declare("full", 1);
  m.put(m.session({"full"}));
  m.put(s, "in", {.ttr = 5s});
  const auto job = m.take_id(s);
  m.finish(s, job, ok({{full, "out"}}));
  m.pass(5s);
  CHECK(m.events() == texts{"finish 1: 2 not_found"});
  CHECK(m.state(job) == job_state::ready);
  CHECK(m.engine.levels(full).waiting_puts == 0);
}

TEST_CASE("the changes of a hand-off are one set: the job is gone, its outputs are put") {
  engine_fixture m;
  m.engine.collect_changes(true);
  const auto s = m.session();
  const auto full = m.declare("full", 1, overflow::drop_oldest);
  const auto dropped = m.put(m.session({"full"}));
  m.put(s, "in");
  const auto job = m.take_id(s);
  change_set changes;
  m.engine.take_changes(changes);
  REQUIRE(changes.size() == 2);
  m.finish(s, job, ok({{full, "out"}}));
  m.engine.take_changes(changes);
  REQUIRE(changes.size() == 3);
  CHECK(std::get<job_gone>(changes[0]).job == job);
  CHECK(std::get<job_gone>(changes[1]).job == dropped);
  CHECK(std::get<job_put>(changes[2]).request.content.view() == "out");
  CHECK(std::get<job_put>(changes[2]).queue == full);
}

TEST_CASE("a finish answers with the outcome that its job is counted as") {
  engine_fixture m;
  const auto s = m.session();
  const auto full = m.declare("full", 1, overflow::reject);
  m.engine.put(s, full, {.content = body{"in the way"}}, m.now);
  const auto outcome_of = [&](finish_request request) {
    m.put(s, "in");
    request.job = m.take_id(s);
    return m.engine.finish(s, std::move(request), m.now).outcome;
  };
  CHECK(outcome_of({}) == outcome::ok);
  CHECK(outcome_of({.result = outcome::failed}) == outcome::failed);
  CHECK(outcome_of({.result = outcome::timeout}) == outcome::timeout);
  CHECK(outcome_of({.outputs = {{full, {.content = body{"out"}}}}}) == outcome::failed);
  CHECK(m.engine.finish(s, {.job = job_id{1'000}}, m.now).outcome == outcome::deleted);
}
