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
using testing::taker;
using fixture = testing::receipt_fixture;

TEST_CASE("a put that waited for capacity carries the batch of the command that admitted it") {
  for (const auto promise : promises) {
    fixture at{promise};
    const auto in_the_way = at.add_reserved();
    at.add();
    taker waits;
    const auto answered = at.broker.put(at.producer, at.work, {.content = body{"c"}}, waits);
    CHECK(answered.answer.status == engine::put_status::waiting);
    CHECK(answered.durable_with == receipt{});
    const auto by_coroutine = at.broker.open_session();
    REQUIRE(at.broker.try_put(by_coroutine, at.work, {.content = body{"d"}}).answer.status ==
            engine::put_status::waiting);
    broker_fixture::answer later;
    at.await_put(by_coroutine, later);

    const auto ended = at.broker.erase(at.worker, in_the_way);
    REQUIRE(waits.decisions.size() == 1);
    CHECK(waits.decisions[0].event.type == engine::event::kind::put_admitted);
    CHECK(waits.decisions[0].durable_with == at.of_last_change());
    CHECK(waits.decisions[0].durable_with == ended.durable_with);

    const auto next = at.broker.try_reserve(at.worker, engine::lease::unlimited).answer.job.job;
    REQUIRE(at.broker.erase(at.worker, next).answer);
    const auto of_that = at.of_last_change();
    at.put(at.queue("busy", {.durability = durability::sync}), "changes of others in between");
    at.loop.run_ready();
    REQUIRE(later.put);
    CHECK(later.receipt == of_that);
  }
}

TEST_CASE("a finish that waited for capacity carries the batch of the command that admitted it") {
  for (const auto promise : promises) {
    fixture at{promise};
    at.put(at.work, "in the way");
    at.put(at.work, "in the way");
    const auto from = at.queue("from");
    const auto job = at.put(from, "a").job;
    at.store.commit_all();
    const auto consumer = at.watcher("from");
    REQUIRE(at.broker.try_reserve(consumer, engine::lease::unlimited).answer.job.job == job);
    const auto answered = at.broker.try_finish(consumer, {.job = job, .outputs = {{at.work, {.content = body{"b"}}}}});
    REQUIRE(answered.answer == engine::finish_status::waiting);
    CHECK(answered.durable_with == receipt{});
    broker_fixture::answer later;
    at.await_finish(consumer, job, later);

    const auto other = at.broker.try_reserve(at.worker, engine::lease::unlimited).answer.job.job;
    REQUIRE(at.broker.erase(at.worker, other).answer);
    const auto expected = at.of_last_change();
    at.loop.run_ready();
    REQUIRE(later.finished.value() == engine::finish_status::done);
    CHECK(later.receipt == expected);
  }
}

TEST_CASE("a waiting session gets a job before the put of that job is durable") {
  for (const auto promise : promises) {
    fixture at{promise};
    taker waits;
    broker_fixture::answer later;
    REQUIRE(at.broker.reserve(at.worker, engine::lease::ttr, never, waits).answer.status ==
            engine::reserve_status::waiting);
    at.reserve(at.watcher("work"), later);
    at.loop.run_ready();
    at.put(at.work, "a");
    at.put(at.work, "b");
    at.loop.run_ready();
    REQUIRE(waits.decisions.size() == 1);
    CHECK(waits.decisions[0].durable_with == receipt{});
    REQUIRE(later.taken);
    CHECK(later.receipt == receipt{});
  }
}

TEST_CASE("a body shown from disk waits for nothing, since its id was durable before") {
  fixture at{durability::sync, bodies_on_disk()};
  const auto job = at.add();
  taker waits;
  const auto answered = at.broker.peek(at.producer, job, waits);
  REQUIRE(answered.answer.status == broker::peek_status::waiting);
  CHECK(answered.durable_with == receipt{});
  at.store.read_wanted_bodies();
  REQUIRE(waits.decisions.size() == 1);
  CHECK(waits.decisions[0].event.type == engine::event::kind::shown);
  CHECK(waits.decisions[0].durable_with == receipt{});
}

TEST_CASE("a wait for all commits ends when the newest that anybody waits for is durable") {
  fixture at{durability::sync};
  const auto last = at.receipt_of_put(at.work, "a");
  bool all = false;
  struct note {
    static loop::awaitable<> when_all_durable(broker::broker& broker, bool& all) {
      co_await broker.until_all_durable();
      all = true;
    }
  };
  at.scope.spawn("all", note::when_all_durable(at.broker, all));
  at.loop.run_ready();
  CHECK_FALSE(all);
  at.store.commit(last.batch);
  at.loop.run_ready();
  CHECK(all);
}

TEST_CASE("every subscriber is called when more is durable, until its subscription ends") {
  fixture at{durability::sync};
  std::vector<std::string> calls;
  auto first = at.broker.subscribe_durable([&] { calls.emplace_back("first"); });
  {
    const auto second = at.broker.subscribe_durable([&] { calls.emplace_back("second"); });
    at.store.commit_all();
    CHECK(calls == std::vector<std::string>{"first", "second"});
  }
  at.store.commit_all();
  CHECK(calls == std::vector<std::string>{"first", "second", "first"});
  first = {};
  at.store.commit_all();
  CHECK(calls.size() == 3);
}

TEST_CASE("a subscriber may end its own subscription, or that of the next, inside its call") {
  fixture at{durability::sync};
  std::vector<std::string> calls;
  broker::subscription first, second, third;
  first = at.broker.subscribe_durable([&, kept = std::string{"a capture that needs memory of its own"}] {
    first = {};
    calls.push_back(kept);
  });
  second = at.broker.subscribe_durable([&] {
    calls.emplace_back("second");
    third = {};
  });
  third = at.broker.subscribe_durable([&] { calls.emplace_back("third"); });
  at.store.commit_all();
  at.store.commit_all();
  CHECK(calls == std::vector<std::string>{"a capture that needs memory of its own", "second", "second"});
}
