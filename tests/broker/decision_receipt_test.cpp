// The commits that late decisions wait for, and the reports of commits.
#include <string>
#include <vector>

#include "broker/receipt_fixture.hpp"
#include "broker/subscription.hpp"
#include "support/catch.hpp"

using namespace millrace;
using broker::receipt;
using engine::durability;
using testing::bodies_on_disk;
using testing::broker_fixture;
using testing::promises;
using testing::receipt_fixture;
using testing::taker;

TEST_CASE("a put that waited for capacity carries the batch of the command that admitted it") {
  for (const auto promise : promises) {
    receipt_fixture fixture{promise};
    const auto in_the_way = fixture.add_reserved();
    fixture.add();
    taker waits;
    const auto answered = fixture.broker.put(fixture.producer, fixture.work, {.content = body{"c"}}, waits);
    CHECK(answered.answer.status == engine::put_status::waiting);
    CHECK(answered.durable_with == receipt{});
    const auto by_coroutine = fixture.broker.open_session();
    REQUIRE(fixture.broker.try_put(by_coroutine, fixture.work, {.content = body{"d"}}).answer.status ==
            engine::put_status::waiting);
    broker_fixture::answer later;
    fixture.await_put(by_coroutine, later);

    const auto ended = fixture.broker.erase(fixture.worker, in_the_way);
    REQUIRE(waits.decisions.size() == 1);
    CHECK(waits.decisions[0].event.type == engine::event::kind::put_admitted);
    CHECK(waits.decisions[0].durable_with == fixture.of_last_change());
    CHECK(waits.decisions[0].durable_with == ended.durable_with);

    const auto next = fixture.broker.try_reserve(fixture.worker, engine::lease::unlimited).answer.job.job;
    REQUIRE(fixture.broker.erase(fixture.worker, next).answer);
    const auto of_that = fixture.of_last_change();
    fixture.put(fixture.queue("busy", {.durability = durability::sync}), "changes of others in between");
    fixture.loop.run_ready();
    REQUIRE(later.put);
    CHECK(later.receipt == of_that);
  }
}

TEST_CASE("a finish that waited for capacity carries the batch of the command that admitted it") {
  for (const auto promise : promises) {
    receipt_fixture fixture{promise};
    fixture.put(fixture.work, "in the way");
    fixture.put(fixture.work, "in the way");
    const auto from = fixture.queue("from");
    const auto job = fixture.put(from, "a").job;
    fixture.store.commit_all();
    const auto consumer = fixture.watching_session("from");
    REQUIRE(fixture.broker.try_reserve(consumer, engine::lease::unlimited).answer.job.job == job);
    const auto answered =
        fixture.broker.try_finish(consumer, {.job = job, .outputs = {{fixture.work, {.content = body{"b"}}}}});
    REQUIRE(answered.answer == engine::finish_status::waiting);
    CHECK(answered.durable_with == receipt{});
    broker_fixture::answer later;
    fixture.await_finish(consumer, job, later);

    const auto other = fixture.broker.try_reserve(fixture.worker, engine::lease::unlimited).answer.job.job;
    REQUIRE(fixture.broker.erase(fixture.worker, other).answer);
    const auto expected = fixture.of_last_change();
    fixture.loop.run_ready();
    REQUIRE(later.finished.value() == engine::finish_status::done);
    CHECK(later.receipt == expected);
  }
}

TEST_CASE("a waiting session gets a job before the put of that job is durable") {
  for (const auto promise : promises) {
    receipt_fixture fixture{promise};
    taker waits;
    broker_fixture::answer later;
    REQUIRE(fixture.broker.reserve(fixture.worker, engine::lease::ttr, never, waits).answer.status ==
            engine::reserve_status::waiting);
    fixture.reserve(fixture.watching_session("work"), later);
    fixture.loop.run_ready();
    fixture.put(fixture.work, "a");
    fixture.put(fixture.work, "b");
    fixture.loop.run_ready();
    REQUIRE(waits.decisions.size() == 1);
    CHECK(waits.decisions[0].durable_with == receipt{});
    REQUIRE(later.reserved);
    CHECK(later.receipt == receipt{});
  }
}

TEST_CASE("a body shown from disk waits for nothing, since its id was durable before") {
  receipt_fixture fixture{durability::sync, bodies_on_disk()};
  const auto job = fixture.add();
  taker waits;
  const auto answered = fixture.broker.peek(fixture.producer, job, waits);
  REQUIRE(answered.answer.status == broker::peek_status::waiting);
  CHECK(answered.durable_with == receipt{});
  fixture.store.read_wanted_bodies();
  REQUIRE(waits.decisions.size() == 1);
  CHECK(waits.decisions[0].event.type == engine::event::kind::shown);
  CHECK(waits.decisions[0].durable_with == receipt{});
}

TEST_CASE("a wait for all commits ends when the newest that anybody waits for is durable") {
  receipt_fixture fixture{durability::sync};
  const auto last = fixture.receipt_of_put(fixture.work, "a");
  bool all = false;
  struct note {
    static loop::awaitable<> when_all_durable(broker::broker& broker, bool& all) {
      co_await broker.until_all_durable();
      all = true;
    }
  };
  fixture.scope.spawn("all", note::when_all_durable(fixture.broker, all));
  fixture.loop.run_ready();
  CHECK_FALSE(all);
  fixture.store.commit(last.batch);
  fixture.loop.run_ready();
  CHECK(all);
}

TEST_CASE("every subscriber is called when more is durable, until its subscription ends") {
  receipt_fixture fixture{durability::sync};
  std::vector<std::string> calls;
  auto first = fixture.broker.subscribe_durable([&] { calls.emplace_back("first"); });
  {
    const auto second = fixture.broker.subscribe_durable([&] { calls.emplace_back("second"); });
    fixture.store.commit_all();
    CHECK(calls == std::vector<std::string>{"first", "second"});
  }
  fixture.store.commit_all();
  CHECK(calls == std::vector<std::string>{"first", "second", "first"});
  first = {};
  fixture.store.commit_all();
  CHECK(calls.size() == 3);
}

TEST_CASE("a subscriber may end its own subscription, or that of the next, inside its call") {
  receipt_fixture fixture{durability::sync};
  std::vector<std::string> calls;
  broker::subscription first, second, third;
  first = fixture.broker.subscribe_durable([&, kept = std::string{"a capture that needs memory of its own"}] {
    first = {};
    calls.push_back(kept);
  });
  second = fixture.broker.subscribe_durable([&] {
    calls.emplace_back("second");
    third = {};
  });
  third = fixture.broker.subscribe_durable([&] { calls.emplace_back("third"); });
  fixture.store.commit_all();
  fixture.store.commit_all();
  CHECK(calls == std::vector<std::string>{"a capture that needs memory of its own", "second", "second"});
}
