#include "engine/engine_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

namespace {

std::uint64_t rejected(engine_fixture& fixture, reason why) {
  return fixture.engine.counts(fixture.queue()).rejected[static_cast<std::size_t>(why)].value();
}
std::uint64_t finished(engine_fixture& fixture, outcome result) {
  return fixture.engine.counts(fixture.queue()).finished[static_cast<std::size_t>(result)].value();
}

}  // namespace

TEST_CASE("the limit of jobs counts all states") {
  engine_fixture fixture;
  fixture.declare("q", 3, overflow::reject);
  const auto s = fixture.session();
  fixture.put(s, "delayed", {.delay = 60s});
  fixture.put(s, "reserved");
  fixture.take_id(s);
  fixture.put(s, "ready");
  CHECK(fixture.offer(s, "one more").status == put_status::refused);
  CHECK(rejected(fixture, reason::overflow) == 1);
  fixture.take_id(s);
  CHECK(fixture.offer(s, "one more").status == put_status::refused);
}

TEST_CASE("the limit of bytes is reached, not passed") {
  engine_fixture fixture;
  fixture.declare("q", 10, overflow::reject, 10);
  const auto s = fixture.session();
  fixture.put(s, "12345");
  CHECK(fixture.offer(s, "123456").status == put_status::refused);
  fixture.put(s, "12345");
  CHECK(fixture.offer(s, "1").status == put_status::refused);
  fixture.put(s, "");
}

TEST_CASE("release, kick and expiry are not checked against limits") {
  engine_fixture fixture;
  fixture.declare("q", 2, overflow::reject);
  const auto s = fixture.session();
  const auto first = fixture.put(s, "1");
  fixture.put(s, "2", {.delay = 1s});
  fixture.take_id(s);
  fixture.declare("q", 1, overflow::reject);
  CHECK(fixture.engine.release(s, first, 0, 0s, fixture.now));
  fixture.pass(1s);
  CHECK(fixture.engine.levels(fixture.queue()).ready == 2);
}

TEST_CASE("puts into a full queue that blocks are admitted by arrival as capacity comes free") {
  engine_fixture fixture;
  fixture.declare("q", 1);
  const auto first = fixture.put(fixture.session(), "1");
  const auto two = fixture.session();
  const auto three = fixture.session();
  const auto worker = fixture.session();
  CHECK(fixture.offer(three, "3").status == put_status::waiting);
  const auto began = fixture.now;
  fixture.now += 1s;
  CHECK(fixture.offer(two, "2").status == put_status::waiting);
  CHECK(fixture.engine.levels(fixture.queue()).waiting_puts == 2);
  CHECK(fixture.engine.levels(fixture.queue()).first_put_waits_since == began);
  fixture.now += 1s;
  fixture.engine.erase(worker, first, fixture.now);
  CHECK(fixture.events() == texts{"put 3: 2"});
  CHECK(fixture.engine.look(job_id{2})->content.view() == "3");
  CHECK(fixture.engine.look(job_id{2})->put_at == fixture.now);
  CHECK(fixture.engine.levels(fixture.queue()).first_put_waits_since == began + 1s);
  fixture.engine.erase(worker, job_id{2}, fixture.now);
  CHECK(fixture.events() == texts{"put 2: 3"});
  CHECK(fixture.engine.levels(fixture.queue()).waiting_puts == 0);
  CHECK(fixture.engine.levels(fixture.queue()).first_put_waits_since == never);
}

TEST_CASE("a small put does not overtake a large one that waits for capacity") {
  engine_fixture fixture;
  fixture.declare("q", 10, overflow::block, 10);
  const auto s = fixture.session();
  const auto big = fixture.put(s, "12345678");
  const auto large = fixture.session();
  const auto small = fixture.session();
  CHECK(fixture.offer(large, "12345").status == put_status::waiting);
  CHECK(fixture.offer(small, "1").status == put_status::waiting);
  fixture.engine.erase(s, big, fixture.now);
  CHECK(fixture.events() == texts{"put 2: 2", "put 3: 3"});
}

TEST_CASE("a put that is withdrawn, or whose session ends, leaves the line and lets the next one come up") {
  engine_fixture fixture;
  fixture.declare("q", 10, overflow::block, 10);
  const auto s = fixture.session();
  fixture.put(s, "12345678");
  const auto large = fixture.session();
  const auto gone = fixture.session();
  const auto small = fixture.session();
  fixture.offer(large, "12345");
  fixture.offer(gone, "12345");
  fixture.offer(small, "1");
  CHECK(fixture.engine.withdraw_put(large));
  CHECK_FALSE(fixture.engine.withdraw_put(large));
  CHECK(fixture.events().empty());
  CHECK(fixture.engine.close_session(gone, fixture.now));
  CHECK(fixture.events() == texts{"put 4: 2"});
  CHECK_FALSE(fixture.engine.withdraw_put(small));
}

TEST_CASE(
    "a body that is larger than the queue is refused at once, with that reason, whatever the queue does when full") {
  const auto when_full = GENERATE(overflow::block, overflow::reject, overflow::drop_oldest);
  engine_fixture fixture;
  fixture.declare("q", 10, when_full, 3);
  const auto answer = fixture.offer(fixture.session(), "1234");
  CHECK(answer.status == put_status::refused);
  CHECK(answer.refusal == reason::too_large);
  CHECK(rejected(fixture, reason::too_large) == 1);
  CHECK(rejected(fixture, reason::overflow) == 0);
}

TEST_CASE(
    "a higher limit admits who waits; one who waits for more than the new limit gets in when the queue is empty") {
  engine_fixture fixture;
  fixture.declare("q", 1);
  const auto s = fixture.session();
  const auto two = fixture.session();
  const auto three = fixture.session();
  const auto first = fixture.put(s, "1");
  fixture.offer(two, "22");
  fixture.offer(three, "33");
  fixture.declare("q", 2);
  CHECK(fixture.events() == texts{"put 2: 2"});
  fixture.declare("q", 2, overflow::block, 1);
  fixture.engine.erase(s, first, fixture.now);
  CHECK(fixture.events().empty());
  fixture.engine.erase(s, job_id{2}, fixture.now);
  CHECK(fixture.events() == texts{"put 3: 3"});
}

TEST_CASE(
    "drop_oldest drops the job longest ready, whatever its priority, and never one that is reserved, buried or "
    "delayed") {
  engine_fixture fixture;
  fixture.declare("q", 4, overflow::drop_oldest);
  const auto s = fixture.session();
  fixture.put(s, "reserved", {.priority = 0});
  fixture.take_id(s);
  fixture.put(s, "delayed", {.delay = 60s});
  fixture.put(s, "old", {.priority = 1});
  fixture.put(s, "young", {.priority = 9});
  fixture.put(s, "new");
  CHECK(finished(fixture, outcome::dropped) == 1);
  CHECK(fixture.engine.levels(fixture.queue()).jobs() == 4);
  CHECK(fixture.take_all(s) == "young new");
  CHECK(fixture.offer(s, "none is ready").status == put_status::refused);
  CHECK(rejected(fixture, reason::overflow) == 1);
}

TEST_CASE("drop_oldest drops as many as the bytes need, or none if that is not enough") {
  engine_fixture fixture;
  fixture.declare("q", 10, overflow::drop_oldest, 10);
  const auto s = fixture.session();
  fixture.put(s, "12345");
  fixture.take_id(s);
  fixture.put(s, "12");
  fixture.put(s, "34");
  CHECK(fixture.offer(s, "123456").status == put_status::refused);
  CHECK(fixture.engine.levels(fixture.queue()).ready == 2);
  fixture.put(s, "abc");
  CHECK(fixture.take_all(s) == "34 abc");
}

TEST_CASE("when puts are refused everything else goes on, hand-offs too") {
  engine_fixture fixture;
  const auto s = fixture.session();
  fixture.put(s, "x");
  fixture.engine.refuse_puts();
  CHECK(fixture.offer(s, "y").status == put_status::draining);
  CHECK(rejected(fixture, reason::draining) == 1);
  const auto job = fixture.take_id(s);
  CHECK(fixture.finish(s, job, {.outputs = {{fixture.queue(), {.content = body{"out"}}}}}) == finish_status::done);
  CHECK(fixture.take(s) == "out");
}

TEST_CASE("a queue that may hold nothing is refused") {
  engine_fixture fixture;
  CHECK(fixture.engine.declare("q", {.max_jobs = 0}).has_error());
  CHECK(fixture.engine.declare("q", {.max_bytes = 0}).has_error());
  CHECK(fixture.engine.queue_count() == 0);
}
