// Which commit each answer of the broker waits for.
#include "broker/receipt.hpp"

#include <string>
#include <type_traits>
#include <vector>

#include "broker/decision.hpp"
#include "broker/desk.hpp"
#include "broker/manual_store.hpp"
#include "support/catch.hpp"

using namespace millrace;
using broker::receipt;
using engine::durability;
using testing::desk;
using testing::manual_store;

namespace {

static_assert(!std::is_convertible_v<broker::receipted<bool>, bool>);
static_assert(!std::is_constructible_v<broker::receipted<bool>, bool>);
static_assert(!std::is_constructible_v<broker::receipted<bool>, bool, receipt>);
static_assert(!std::is_default_constructible_v<broker::committed>);

struct has_store {
  manual_store store;
};

struct taker final : broker::decision_taker {
  void decided(broker::decision&& decision) noexcept override { decisions.push_back(std::move(decision)); }
  std::vector<broker::decision> decisions;
};

engine::engine_options bodies_on_disk() {
  engine::engine_options limits;
  limits.body_memory_max = 0;
  return limits;
}

/// A broker on a manual store, with a queue of the given durability that holds at most two jobs, and a worker that
/// watches it. Everything so far is durable, the lease of ids included.
struct fixture : has_store, desk {
  explicit fixture(durability promised, engine::engine_options limits = {})
      : desk{&store, limits},
        promise{promised},
        work{queue("work", {.max_jobs = 2, .when_full = engine::overflow::block, .durability = promised})},
        worker{watcher("work")} {
    put(queue("other"), "takes the lease of ids");
    store.commit_all();
  }

  job_id add() {
    const auto job = put(work, "a").job;
    store.commit_all();
    return job;
  }
  job_id add_reserved() {
    const auto job = add();
    REQUIRE(broker.try_reserve(worker, engine::lease::unlimited).answer.job.job == job);
    return job;
  }
  job_id add_buried() {
    const auto job = add_reserved();
    REQUIRE(broker.bury(worker, job, 0).answer);
    store.commit_all();
    return job;
  }
  /// What the answer to a change of the queue `work` has to wait for, when that was the last change.
  [[nodiscard]] receipt of_last_change() const {
    switch (promise) {
      case durability::sync:
        return {.batch = store.newest, .written_with = store.newest};
      case durability::relaxed:
        return {.batch = 0, .written_with = store.newest};
      case durability::memory:
        break;
    }
    return {};
  }

  durability promise;
  queue_id work;
  session_id worker;
};

constexpr durability promises[] = {durability::sync, durability::relaxed, durability::memory};
constexpr job_id no_job{999};

/// The command was given, and whether it did anything.
struct done {
  receipt durable_with;
  bool changed;
};
done of(const broker::receipted<bool>& answered) { return {answered.durable_with, answered.answer}; }
done of(const broker::receipted<engine::finish_answer>& answered) {
  return {answered.durable_with, !(answered.answer == engine::finish_status::not_found)};
}

struct command {
  const char* name;
  done (*effective)(fixture&);
  done (*without_effect)(fixture&);
};

const command changing_commands[] = {
    {"put",
     [](fixture& at) {
       const auto answered = at.broker.try_put(at.producer, at.work, {.content = body{"b"}});
       return done{answered.durable_with, answered.answer.status == engine::put_status::inserted};
     },
     [](fixture& at) {
       at.broker.refuse_puts();
       const auto answered = at.broker.try_put(at.producer, at.work, {.content = body{"b"}});
       return done{answered.durable_with, answered.answer.status == engine::put_status::inserted};
     }},
    {"release", [](fixture& at) { return of(at.broker.release(at.worker, at.add_reserved(), 0, {})); },
     [](fixture& at) { return of(at.broker.release(at.worker, at.add(), 0, {})); }},
    {"bury", [](fixture& at) { return of(at.broker.bury(at.worker, at.add_reserved(), 0)); },
     [](fixture& at) { return of(at.broker.bury(at.worker, at.add(), 0)); }},
    {"delete", [](fixture& at) { return of(at.broker.erase(at.worker, at.add_reserved())); },
     [](fixture& at) { return of(at.broker.erase(at.producer, at.add_reserved())); }},
    {"finish", [](fixture& at) { return of(at.broker.try_finish(at.worker, {.job = at.add_reserved()})); },
     [](fixture& at) { return of(at.broker.try_finish(at.worker, {.job = at.add()})); }},
    {"a failed finish",
     [](fixture& at) {
       return of(at.broker.try_finish(at.worker, {.job = at.add_reserved(), .result = engine::outcome::failed}));
     },
     [](fixture& at) {
       return of(at.broker.try_finish(at.worker, {.job = no_job, .result = engine::outcome::failed}));
     }},
    {"kick",
     [](fixture& at) {
       at.add_buried();
       auto from = engine::engine::kick_from::undecided;
       const auto answered = at.broker.kick(at.work, 5, from);
       return done{answered.durable_with, answered.answer == 1};
     },
     [](fixture& at) {
       at.add();
       auto from = engine::engine::kick_from::undecided;
       const auto answered = at.broker.kick(at.work, 5, from);
       return done{answered.durable_with, answered.answer != 0};
     }},
    {"kick of one job", [](fixture& at) { return of(at.broker.kick_job(at.add_buried())); },
     [](fixture& at) { return of(at.broker.kick_job(at.add())); }},
    {"pause",
     [](fixture& at) {
       const auto answered = at.broker.pause(at.work, seconds{5});
       return done{answered.durable_with, answered.answer.has_value()};
     },
     [](fixture& at) {
       const auto answered = at.broker.pause(queue_id{999}, seconds{5});
       return done{answered.durable_with, answered.answer.has_value()};
     }}};

}  // namespace

TEST_CASE("an answer waits for the batch of what its command changed, as far as the queue's durability asks for it") {
  for (const auto promise : promises) {
    for (const auto& command : changing_commands) {
      INFO(command.name << ", durability " << static_cast<int>(promise));
      fixture at{promise};
      const auto before = at.store.newest;
      const auto answered = command.effective(at);
      REQUIRE(answered.changed);
      CHECK(answered.durable_with == at.of_last_change());
      if (promise == durability::memory) {
        CHECK(at.store.newest == before);
      } else {
        CHECK(at.store.newest > at.store.durable);
      }
    }
  }
}

TEST_CASE("the answer of a command that changed nothing waits for nothing") {
  for (const auto promise : promises) {
    for (const auto& command : changing_commands) {
      INFO(command.name << ", durability " << static_cast<int>(promise));
      fixture at{promise};
      const auto answered = command.without_effect(at);
      REQUIRE_FALSE(answered.changed);
      CHECK(answered.durable_with == receipt{});
      CHECK(at.store.newest == at.store.durable);
    }
  }
}

TEST_CASE("a command that takes, looks or keeps a lease does not wait for the commit of the job") {
  for (const auto promise : promises) {
    fixture at{promise};
    taker nobody;
    const auto job = at.put(at.work, "not durable yet").job;
    CHECK(at.broker.peek(at.producer, job, nobody).durable_with == receipt{});
    CHECK(at.broker.peek_ready(at.producer, at.work, nobody).durable_with == receipt{});
    CHECK(at.broker.peek_delayed(at.producer, at.work, nobody).durable_with == receipt{});
    CHECK(at.broker.peek_buried(at.producer, at.work, nobody).durable_with == receipt{});
    const auto reserved = at.broker.try_reserve(at.worker, engine::lease::ttr);
    CHECK(reserved.answer.job.job == job);
    CHECK(reserved.durable_with == receipt{});
    CHECK(at.broker.touch(at.worker, job).durable_with == receipt{});
    CHECK(at.broker.try_reserve(at.worker, engine::lease::ttr).durable_with == receipt{});
  }
}

TEST_CASE("a relaxed queue's answers wait for their batch while the store is late") {
  fixture at{durability::relaxed};
  at.store.is_late = true;
  const auto answered = at.receipt_of_put(at.work, "a");
  CHECK(answered == receipt{.batch = at.store.newest, .written_with = at.store.newest});
  at.store.is_late = false;
  CHECK(at.receipt_of_put(at.work, "b").batch == 0);
}

TEST_CASE("a hand-off waits for its batch when one of its queues asks for it") {
  for (const auto promise : promises) {
    fixture at{promise};
    const auto output = at.queue("output", {.durability = durability::sync});
    const auto job = at.add_reserved();
    const auto answered =
        at.broker.try_finish(at.worker, {.job = job, .outputs = {{output, {.content = body{"out"}}}}});
    CHECK(answered.answer == engine::finish_status::done);
    CHECK(answered.durable_with == receipt{.batch = at.store.newest, .written_with = at.store.newest});
  }
}

TEST_CASE("an answer that tells an id waits for the lease of that id, whatever its queue promises") {
  manual_store store;
  desk at{&store};
  const auto queue = at.queue("memory", {.max_jobs = 1});
  const auto worker = at.watcher("memory");
  taker waits, nobody;
  REQUIRE(at.broker.reserve(worker, engine::lease::ttr, never, waits).answer.status ==
          engine::reserve_status::waiting);

  const auto put = at.broker.try_put(at.producer, queue, {.content = body{"a"}});
  const receipt of_lease{.batch = store.newest};
  REQUIRE(of_lease.batch > 0);
  CHECK(put.durable_with == of_lease);
  REQUIRE(waits.decisions.size() == 1);
  CHECK(waits.decisions[0].event.what == engine::event::kind::granted);
  CHECK(waits.decisions[0].durable_with == of_lease);
  CHECK(at.broker.peek(at.producer, put.answer.job, nobody).durable_with == of_lease);
  CHECK(at.broker.touch(worker, put.answer.job).durable_with == receipt{});
  REQUIRE(at.broker.release(worker, put.answer.job, 0, {}).answer);
  CHECK(at.broker.try_reserve(worker, engine::lease::ttr).durable_with == of_lease);

  store.commit_all();
  CHECK(at.broker.peek(at.producer, put.answer.job, nobody).durable_with == receipt{});
  REQUIRE(at.broker.release(worker, put.answer.job, 0, {}).answer);
  CHECK(at.broker.reserve_job(worker, put.answer.job, nobody).durable_with == receipt{});
}

TEST_CASE("a put that waited for capacity carries the batch of the command that admitted it") {
  for (const auto promise : promises) {
    fixture at{promise};
    at.add();
    const auto in_the_way = at.add_reserved();
    taker waits;
    const auto answered = at.broker.put(at.producer, at.work, {.content = body{"c"}}, waits);
    CHECK(answered.answer.status == engine::put_status::waiting);
    CHECK(answered.durable_with == receipt{});
    const auto by_coroutine = at.broker.open_session();
    REQUIRE(at.broker.try_put(by_coroutine, at.work, {.content = body{"d"}}).answer.status ==
            engine::put_status::waiting);
    desk::answer later;
    at.await_put(by_coroutine, later);

    const auto ended = at.broker.erase(at.worker, in_the_way);
    REQUIRE(waits.decisions.size() == 1);
    CHECK(waits.decisions[0].event.what == engine::event::kind::put_admitted);
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
    const auto answered =
        at.broker.try_finish(consumer, {.job = job, .outputs = {{at.work, {.content = body{"b"}}}}});
    REQUIRE(answered.answer == engine::finish_status::waiting);
    CHECK(answered.durable_with == receipt{});
    desk::answer later;
    at.await_finish(consumer, job, later);

    const auto other = at.broker.try_reserve(at.worker, engine::lease::unlimited).answer.job.job;
    REQUIRE(at.broker.erase(at.worker, other).answer);
    const auto expected = at.of_last_change();
    at.loop.run_ready();
    REQUIRE(later.finished.value() == engine::finish_status::done);
    CHECK(later.receipt == expected);
  }
}

TEST_CASE("a job granted to a waiting session is told before its put is durable") {
  for (const auto promise : promises) {
    fixture at{promise};
    taker waits;
    desk::answer later;
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
  CHECK(waits.decisions[0].event.what == engine::event::kind::shown);
  CHECK(waits.decisions[0].durable_with == receipt{});
}

TEST_CASE("the receipt of several commands is the later one") {
  CHECK(later_of(receipt{3, 3}, receipt{0, 5}) == receipt{3, 5});
  CHECK(later_of(receipt{}, receipt{7, 7}) == receipt{7, 7});
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
