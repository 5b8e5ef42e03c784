#include <vector>

#include "broker/broker_fixture.hpp"
#include "broker/decision.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::broker_fixture;

namespace {

/// Keeps its events.
struct taker final : broker::decision_taker {
  void decided(broker::decision&& decision) noexcept override { events.push_back(std::move(decision.event)); }
  std::vector<engine::event> events;
};

}  // namespace

TEST_CASE("a taker is called once for the job that it waited for") {
  broker_fixture at;
  const auto queue = at.queue("work");
  taker taker;
  const auto session = at.watcher("work");
  CHECK(at.broker.reserve(session, engine::lease::ttr, never, taker).answer.status == engine::reserve_status::waiting);
  at.put(queue, "a");
  at.put(queue, "b");
  REQUIRE(taker.events.size() == 1);
  CHECK(taker.events[0].type == engine::event::kind::granted);
  CHECK(taker.events[0].job.content.view() == "a");
  CHECK(at.broker.reserve(session, engine::lease::ttr, never, taker).answer.job.content.view() == "b");
  CHECK(taker.events.size() == 1);
}

TEST_CASE("a taker that waits for a job with a deadline times out at the deadline, not before") {
  broker_fixture at;
  at.queue("work");
  taker taker;
  static_cast<void>(at.broker.reserve(at.watcher("work"), engine::lease::ttr, after(at.loop.now(), seconds{2}), taker));
  at.loop.advance(nanoseconds{seconds{2}} - nanoseconds{1});
  CHECK(taker.events.empty());
  at.loop.advance(nanoseconds{1});
  REQUIRE(taker.events.size() == 1);
  CHECK(taker.events[0].type == engine::event::kind::timed_out);
}

TEST_CASE("a taker that withdraws is not called, and the job goes to the next one") {
  broker_fixture at;
  const auto queue = at.queue("work");
  taker first, second;
  const auto session = at.watcher("work");
  static_cast<void>(at.broker.reserve(session, engine::lease::ttr, never, first));
  static_cast<void>(at.broker.reserve(at.watcher("work"), engine::lease::ttr, never, second));
  at.broker.withdraw(session);
  at.put(queue, "a");
  CHECK(first.events.empty());
  CHECK(second.events.size() == 1);
}

TEST_CASE("takers stand before a full queue, which is counted until they are admitted or withdraw") {
  broker_fixture at;
  const auto queue = at.queue("work", {.max_jobs = 1});
  const auto worker = at.watcher("work");
  const auto held = at.put(queue, "a").job;
  taker first, second;
  const auto session = at.broker.open_session();
  CHECK(at.broker.put(session, queue, {.content = body{"b"}}, first).answer.status == engine::put_status::waiting);
  static_cast<void>(at.broker.put(at.broker.open_session(), queue, {.content = body{"c"}}, second));
  CHECK(at.broker.held_puts().active() == 2);
  at.broker.withdraw(session);
  CHECK(at.broker.held_puts().active() == 1);
  CHECK(at.broker.erase(worker, held).answer);
  CHECK(first.events.empty());
  REQUIRE(second.events.size() == 1);
  CHECK(second.events[0].type == engine::event::kind::put_admitted);
  CHECK(at.broker.held_puts().active() == 0);
}

TEST_CASE("a taker whose session is closed is not called, and the job stays ready") {
  broker_fixture at;
  const auto queue = at.queue("work");
  taker taker;
  const auto session = at.watcher("work");
  static_cast<void>(at.broker.reserve(session, engine::lease::ttr, never, taker));
  CHECK(at.broker.try_close_session(session));
  at.put(queue, "a");
  CHECK(taker.events.empty());
  CHECK(at.levels(queue).ready == 1);
}
