#include "engine/engine_fixture.hpp"

using namespace millrace;
using namespace millrace::engine;
using namespace millrace::engine::testing;

namespace {

std::uint64_t rejected(engine_fixture& m, reason why) {
  return m.engine.counts(m.queue()).rejected[static_cast<std::size_t>(why)].value();
}
std::uint64_t finished(engine_fixture& m, outcome result) {
  return m.engine.counts(m.queue()).finished[static_cast<std::size_t>(result)].value();
}

}  // namespace

TEST_CASE("the limit of jobs counts all states") {
  engine_fixture m;
  m.declare("q", 3, overflow::reject);
  const auto s = m.session();
  m.put(s, "delayed", {.delay = 60s});
  m.put(s, "reserved");
  m.take_id(s);
  m.put(s, "ready");
  CHECK(m.offer(s, "one more").status == put_status::refused);
  CHECK(rejected(m, reason::overflow) == 1);
  m.take_id(s);
  CHECK(m.offer(s, "one more").status == put_status::refused);
}

TEST_CASE("the limit of bytes is reached, not passed") {
  engine_fixture m;
  m.declare("q", 10, overflow::reject, 10);
  const auto s = m.session();
  m.put(s, "12345");
  CHECK(m.offer(s, "123456").status == put_status::refused);
  m.put(s, "12345");
  CHECK(m.offer(s, "1").status == put_status::refused);
  m.put(s, "");
}

TEST_CASE("release, kick and expiry are not checked against limits") {
  engine_fixture m;
  m.declare("q", 2, overflow::reject);
  const auto s = m.session();
  const auto first = m.put(s, "1");
  m.put(s, "2", {.delay = 1s});
  m.take_id(s);
  m.declare("q", 1, overflow::reject);
  CHECK(m.engine.release(s, first, 0, 0s, m.now));
  m.pass(1s);
  CHECK(m.engine.levels(m.queue()).ready == 2);
}

TEST_CASE("puts into a full queue that blocks are admitted by arrival as capacity comes free") {
  engine_fixture m;
  m.declare("q", 1);
  const auto first = m.put(m.session(), "1");
  const auto two = m.session();
  const auto three = m.session();
  const auto worker = m.session();
  CHECK(m.offer(three, "3").status == put_status::waiting);
  const auto began = m.now;
  m.now += 1s;
  CHECK(m.offer(two, "2").status == put_status::waiting);
  CHECK(m.engine.levels(m.queue()).waiting_puts == 2);
  CHECK(m.engine.levels(m.queue()).first_put_waits_since == began);
  m.now += 1s;
  m.engine.erase(worker, first, m.now);
  CHECK(m.events() == texts{"put 3: 2"});
  CHECK(m.engine.look(job_id{2})->content.view() == "3");
  CHECK(m.engine.look(job_id{2})->put_at == m.now);
  CHECK(m.engine.levels(m.queue()).first_put_waits_since == began + 1s);
  m.engine.erase(worker, job_id{2}, m.now);
  CHECK(m.events() == texts{"put 2: 3"});
  CHECK(m.engine.levels(m.queue()).waiting_puts == 0);
  CHECK(m.engine.levels(m.queue()).first_put_waits_since == never);
}

TEST_CASE("a small put does not overtake a large one that waits for capacity") {
  engine_fixture m;
  m.declare("q", 10, overflow::block, 10);
  const auto s = m.session();
  const auto big = m.put(s, "12345678");
  const auto large = m.session();
  const auto small = m.session();
  CHECK(m.offer(large, "12345").status == put_status::waiting);
  CHECK(m.offer(small, "1").status == put_status::waiting);
  m.engine.erase(s, big, m.now);
  CHECK(m.events() == texts{"put 2: 2", "put 3: 3"});
}

TEST_CASE("a put that is withdrawn, or whose session ends, leaves the line and lets the next one come up") {
  engine_fixture m;
  m.declare("q", 10, overflow::block, 10);
  const auto s = m.session();
  m.put(s, "12345678");
  const auto large = m.session();
  const auto gone = m.session();
  const auto small = m.session();
  m.offer(large, "12345");
  m.offer(gone, "12345");
  m.offer(small, "1");
  CHECK(m.engine.withdraw_put(large));
  CHECK_FALSE(m.engine.withdraw_put(large));
  CHECK(m.events().empty());
  CHECK(m.engine.close_session(gone, m.now));
  CHECK(m.events() == texts{"put 4: 2"});
  CHECK_FALSE(m.engine.withdraw_put(small));
}

TEST_CASE(
    "a body that is larger than the queue is refused at once, with that reason, whatever the queue does when full") {
  const auto when_full = GENERATE(overflow::block, overflow::reject, overflow::drop_oldest);
  engine_fixture m;
  m.declare("q", 10, when_full, 3);
  const auto answer = m.offer(m.session(), "1234");
  CHECK(answer.status == put_status::refused);
  CHECK(answer.refusal == reason::too_large);
  CHECK(rejected(m, reason::too_large) == 1);
  CHECK(rejected(m, reason::overflow) == 0);
}

TEST_CASE(
    "a higher limit admits who waits; one who waits for more than the new limit gets in when the queue is empty") {
  engine_fixture m;
  m.declare("q", 1);
  const auto s = m.session();
  const auto two = m.session();
  const auto three = m.session();
  const auto first = m.put(s, "1");
  m.offer(two, "22");
  m.offer(three, "33");
  m.declare("q", 2);
  CHECK(m.events() == texts{"put 2: 2"});
  m.declare("q", 2, overflow::block, 1);
  m.engine.erase(s, first, m.now);
  CHECK(m.events().empty());
  m.engine.erase(s, job_id{2}, m.now);
  CHECK(m.events() == texts{"put 3: 3"});
}

TEST_CASE(
    "drop_oldest drops the job longest ready, whatever its priority, and never one that is reserved, buried or "
    "delayed") {
  engine_fixture m;
  m.declare("q", 4, overflow::drop_oldest);
  const auto s = m.session();
  m.put(s, "reserved", {.priority = 0});
  m.take_id(s);
  m.put(s, "delayed", {.delay = 60s});
  m.put(s, "old", {.priority = 1});
  m.put(s, "young", {.priority = 9});
  m.put(s, "new");
  CHECK(finished(m, outcome::dropped) == 1);
  CHECK(m.engine.levels(m.queue()).jobs() == 4);
  CHECK(m.take_all(s) == "young new");
  CHECK(m.offer(s, "none is ready").status == put_status::refused);
  CHECK(rejected(m, reason::overflow) == 1);
}

TEST_CASE("drop_oldest drops as many as the bytes need, or none if that is not enough") {
  engine_fixture m;
  m.declare("q", 10, overflow::drop_oldest, 10);
  const auto s = m.session();
  m.put(s, "12345");
  m.take_id(s);
  m.put(s, "12");
  m.put(s, "34");
  CHECK(m.offer(s, "123456").status == put_status::refused);
  CHECK(m.engine.levels(m.queue()).ready == 2);
  m.put(s, "abc");
  CHECK(m.take_all(s) == "34 abc");
}

TEST_CASE("when puts are refused everything else goes on, hand-offs too") {
  engine_fixture m;
  const auto s = m.session();
  m.put(s, "x");
  m.engine.refuse_puts();
  CHECK(m.offer(s, "y").status == put_status::draining);
  CHECK(rejected(m, reason::draining) == 1);
  const auto job = m.take_id(s);
  CHECK(m.finish(s, job, {.outputs = {{m.queue(), {.content = body{"out"}}}}}) == finish_status::done);
  CHECK(m.take(s) == "out");
}

TEST_CASE("a queue that may hold nothing is refused") {
  engine_fixture m;
  CHECK(m.engine.declare("q", {.max_jobs = 0}).has_error());
  CHECK(m.engine.declare("q", {.max_bytes = 0}).has_error());
  CHECK(m.engine.queue_count() == 0);
}
