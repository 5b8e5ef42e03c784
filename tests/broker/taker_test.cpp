#include <vector>

#include "broker/broker_fixture.hpp"
#include "broker/decision.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::broker_fixture;

namespace {

/// Keeps its events.
struct taker final : broker::decision_taker {
  void on_decision(broker::decision&& decision) noexcept override { events.push_back(std::move(decision.event)); }
  std::vector<engine::event> events;
};

}  // namespace

TEST_CASE("a taker is called once for the job that it waited for") {
  broker_fixture fixture;
  const auto queue = fixture.queue("work");
  taker taker;
  const auto session = fixture.watching_session("work");
  CHECK(fixture.broker.reserve(session, engine::lease::ttr, never, taker).answer.status ==
        engine::reserve_status::waiting);
  fixture.put(queue, "a");
  fixture.put(queue, "b");
  REQUIRE(taker.events.size() == 1);
  CHECK(taker.events[0].type == engine::event::kind::granted);
  CHECK(taker.events[0].job.content.view() == "a");
  CHECK(fixture.broker.reserve(session, engine::lease::ttr, never, taker).answer.job.content.view() == "b");
  CHECK(taker.events.size() == 1);
}

TEST_CASE("a taker that waits for a job with a deadline times out at the deadline, not before") {
  broker_fixture fixture;
  fixture.queue("work");
  taker taker;
  static_cast<void>(fixture.broker.reserve(fixture.watching_session("work"), engine::lease::ttr,
                                           after(fixture.loop.now(), seconds{2}), taker));
  fixture.loop.advance(nanoseconds{seconds{2}} - nanoseconds{1});
  CHECK(taker.events.empty());
  fixture.loop.advance(nanoseconds{1});
  REQUIRE(taker.events.size() == 1);
  CHECK(taker.events[0].type == engine::event::kind::timed_out);
}

TEST_CASE("a taker that withdraws is not called, and the job goes to the next one") {
  broker_fixture fixture;
  const auto queue = fixture.queue("work");
  taker first, second;
  const auto session = fixture.watching_session("work");
  static_cast<void>(fixture.broker.reserve(session, engine::lease::ttr, never, first));
  static_cast<void>(fixture.broker.reserve(fixture.watching_session("work"), engine::lease::ttr, never, second));
  fixture.broker.withdraw(session);
  fixture.put(queue, "a");
  CHECK(first.events.empty());
  CHECK(second.events.size() == 1);
}

TEST_CASE("takers stand before a full queue, which is counted until they are admitted or withdraw") {
  broker_fixture fixture;
  const auto queue = fixture.queue("work", {.max_jobs = 1});
  const auto worker = fixture.watching_session("work");
  const auto held = fixture.put(queue, "a").job;
  taker first, second;
  const auto session = fixture.broker.open_session();
  CHECK(fixture.broker.put(session, queue, {.content = body{"b"}}, first).answer.status == engine::put_status::waiting);
  static_cast<void>(fixture.broker.put(fixture.broker.open_session(), queue, {.content = body{"c"}}, second));
  CHECK(fixture.broker.held_puts().active() == 2);
  fixture.broker.withdraw(session);
  CHECK(fixture.broker.held_puts().active() == 1);
  CHECK(fixture.broker.erase(worker, held).answer);
  CHECK(first.events.empty());
  REQUIRE(second.events.size() == 1);
  CHECK(second.events[0].type == engine::event::kind::put_admitted);
  CHECK(fixture.broker.held_puts().active() == 0);
}

TEST_CASE("a taker whose session is closed is not called, and the job stays ready") {
  broker_fixture fixture;
  const auto queue = fixture.queue("work");
  taker taker;
  const auto session = fixture.watching_session("work");
  static_cast<void>(fixture.broker.reserve(session, engine::lease::ttr, never, taker));
  CHECK(fixture.broker.try_close_session(session));
  fixture.put(queue, "a");
  CHECK(taker.events.empty());
  CHECK(fixture.levels(queue).ready == 1);
}
