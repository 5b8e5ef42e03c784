// Which commit each answer of the broker waits for.
#include "broker/receipt.hpp"

#include <type_traits>

#include "broker/receipt_fixture.hpp"
#include "support/catch.hpp"

using namespace millrace;
using broker::receipt;
using engine::durability;
using testing::broker_fixture;
using testing::manual_store;
using testing::promises;
using testing::receipt_fixture;
using testing::taker;

namespace {

static_assert(!std::is_convertible_v<broker::receipted<bool>, bool>);
static_assert(!std::is_constructible_v<broker::receipted<bool>, bool>);
static_assert(!std::is_constructible_v<broker::receipted<bool>, bool, receipt>);
static_assert(!std::is_default_constructible_v<broker::committed>);

constexpr job_id no_job{999};

/// The receipt of a command, and whether the command changed anything.
struct command_effect {
  receipt durable_with;
  bool changed;
};
command_effect effect_of(const broker::receipted<bool>& answer) { return {answer.durable_with, answer.answer}; }
command_effect effect_of(const broker::receipted<engine::finish_answer>& answer) {
  return {answer.durable_with, !(answer.answer == engine::finish_status::not_found)};
}

struct command {
  const char* name;
  command_effect (*effective)(receipt_fixture&);
  command_effect (*without_effect)(receipt_fixture&);
};

const command changing_commands[] = {
    {"put",
     [](receipt_fixture& fixture) {
       const auto answer = fixture.broker.try_put(fixture.producer, fixture.work, {.content = body{"b"}});
       return command_effect{answer.durable_with, answer.answer.status == engine::put_status::inserted};
     },
     [](receipt_fixture& fixture) {
       fixture.broker.refuse_puts();
       const auto answer = fixture.broker.try_put(fixture.producer, fixture.work, {.content = body{"b"}});
       return command_effect{answer.durable_with, answer.answer.status == engine::put_status::inserted};
     }},
    {"release",
     [](receipt_fixture& fixture) {
       return effect_of(fixture.broker.release(fixture.worker, fixture.add_reserved(), 0, {}));
     },
     [](receipt_fixture& fixture) { return effect_of(fixture.broker.release(fixture.worker, fixture.add(), 0, {})); }},
    {"bury",
     [](receipt_fixture& fixture) { return effect_of(fixture.broker.bury(fixture.worker, fixture.add_reserved(), 0)); },
     [](receipt_fixture& fixture) { return effect_of(fixture.broker.bury(fixture.worker, fixture.add(), 0)); }},
    {"delete",
     [](receipt_fixture& fixture) { return effect_of(fixture.broker.erase(fixture.worker, fixture.add_reserved())); },
     [](receipt_fixture& fixture) {
       return effect_of(fixture.broker.erase(fixture.producer, fixture.add_reserved()));
     }},
    {"finish",
     [](receipt_fixture& fixture) {
       return effect_of(fixture.broker.try_finish(fixture.worker, {.job = fixture.add_reserved()}));
     },
     [](receipt_fixture& fixture) {
       return effect_of(fixture.broker.try_finish(fixture.worker, {.job = fixture.add()}));
     }},
    {"a failed finish",
     [](receipt_fixture& fixture) {
       return effect_of(fixture.broker.try_finish(fixture.worker,
                                                  {.job = fixture.add_reserved(), .result = engine::outcome::failed}));
     },
     [](receipt_fixture& fixture) {
       return effect_of(fixture.broker.try_finish(fixture.worker, {.job = no_job, .result = engine::outcome::failed}));
     }},
    {"purge",
     [](receipt_fixture& fixture) {
       fixture.add();
       const auto answer = fixture.broker.purge(fixture.work, engine::job_state::ready, fixture.loop.now());
       return command_effect{answer.durable_with, answer.answer == 1};
     },
     [](receipt_fixture& fixture) {
       fixture.add_reserved();
       const auto answer = fixture.broker.purge(fixture.work, engine::job_state::ready, fixture.loop.now());
       return command_effect{answer.durable_with, answer.answer != 0};
     }},
    {"kick",
     [](receipt_fixture& fixture) {
       fixture.add_buried();
       auto from = engine::engine::kick_from::undecided;
       const auto answer = fixture.broker.kick(fixture.work, 5, from);
       return command_effect{answer.durable_with, answer.answer == 1};
     },
     [](receipt_fixture& fixture) {
       fixture.add();
       auto from = engine::engine::kick_from::undecided;
       const auto answer = fixture.broker.kick(fixture.work, 5, from);
       return command_effect{answer.durable_with, answer.answer != 0};
     }},
    {"kick of one job",
     [](receipt_fixture& fixture) { return effect_of(fixture.broker.kick_job(fixture.add_buried())); },
     [](receipt_fixture& fixture) { return effect_of(fixture.broker.kick_job(fixture.add())); }},
    {"pause",
     [](receipt_fixture& fixture) {
       const auto answer = fixture.broker.pause(fixture.work, seconds{5});
       return command_effect{answer.durable_with, answer.answer.has_value()};
     },
     [](receipt_fixture& fixture) {
       const auto answer = fixture.broker.pause(queue_id{999}, seconds{5});
       return command_effect{answer.durable_with, answer.answer.has_value()};
     }}};

}  // namespace

TEST_CASE("an answer waits for the batch of what its command changed, as far as the queue's durability asks for it") {
  for (const auto promise : promises) {
    for (const auto& command : changing_commands) {
      INFO(command.name << ", durability " << static_cast<int>(promise));
      receipt_fixture fixture{promise};
      const auto before = fixture.store.newest;
      const auto answer = command.effective(fixture);
      REQUIRE(answer.changed);
      CHECK(answer.durable_with == fixture.of_last_change());
      if (promise == durability::memory) {
        CHECK(fixture.store.newest == before);
      } else {
        CHECK(fixture.store.newest > fixture.store.durable);
      }
    }
  }
}

TEST_CASE("the answer of a command that changed nothing waits for nothing") {
  for (const auto promise : promises) {
    for (const auto& command : changing_commands) {
      INFO(command.name << ", durability " << static_cast<int>(promise));
      receipt_fixture fixture{promise};
      const auto answer = command.without_effect(fixture);
      REQUIRE_FALSE(answer.changed);
      CHECK(answer.durable_with == receipt{});
      CHECK(fixture.store.newest == fixture.store.durable);
    }
  }
}

TEST_CASE("a command that takes, looks or keeps a lease does not wait for the commit of the job") {
  for (const auto promise : promises) {
    receipt_fixture fixture{promise};
    taker nobody;
    const auto job = fixture.put(fixture.work, "not durable yet").job;
    CHECK(fixture.broker.peek(fixture.producer, job, nobody).durable_with == receipt{});
    CHECK(fixture.broker.peek_ready(fixture.producer, fixture.work, nobody).durable_with == receipt{});
    CHECK(fixture.broker.peek_delayed(fixture.producer, fixture.work, nobody).durable_with == receipt{});
    CHECK(fixture.broker.peek_buried(fixture.producer, fixture.work, nobody).durable_with == receipt{});
    const auto reserved = fixture.broker.try_reserve(fixture.worker, engine::lease::ttr);
    CHECK(reserved.answer.job.job == job);
    CHECK(reserved.durable_with == receipt{});
    CHECK(fixture.broker.touch(fixture.worker, job).durable_with == receipt{});
    CHECK(fixture.broker.try_reserve(fixture.worker, engine::lease::ttr).durable_with == receipt{});
  }
}

TEST_CASE("a relaxed queue's answers wait for their batch while the store is late") {
  receipt_fixture fixture{durability::relaxed};
  fixture.store.is_late = true;
  const auto answer = fixture.receipt_of_put(fixture.work, "a");
  CHECK(answer == receipt{.batch = fixture.store.newest, .written_with = fixture.store.newest});
  fixture.store.is_late = false;
  CHECK(fixture.receipt_of_put(fixture.work, "b").batch == 0);
}

TEST_CASE("a hand-off waits for its batch when one of its queues asks for it") {
  for (const auto promise : promises) {
    receipt_fixture fixture{promise};
    const auto output = fixture.queue("output", {.durability = durability::sync});
    const auto job = fixture.add_reserved();
    const auto answer =
        fixture.broker.try_finish(fixture.worker, {.job = job, .outputs = {{output, {.content = body{"out"}}}}});
    CHECK(answer.answer == engine::finish_status::done);
    CHECK(answer.durable_with == receipt{.batch = fixture.store.newest, .written_with = fixture.store.newest});
  }
}

TEST_CASE("an answer that tells an id waits for the block of that id, whatever its queue promises") {
  manual_store store;
  broker_fixture fixture{&store};
  const auto queue = fixture.queue("memory", {.max_jobs = 1});
  const auto worker = fixture.watching_session("memory");
  taker waits, nobody;
  REQUIRE(fixture.broker.reserve(worker, engine::lease::ttr, never, waits).answer.status ==
          engine::reserve_status::waiting);

  const auto put = fixture.broker.try_put(fixture.producer, queue, {.content = body{"a"}});
  const receipt of_lease{.batch = store.newest};
  REQUIRE(of_lease.batch > 0);
  CHECK(put.durable_with == of_lease);
  REQUIRE(waits.decisions.size() == 1);
  CHECK(waits.decisions[0].event.type == engine::event::kind::granted);
  CHECK(waits.decisions[0].durable_with == of_lease);
  CHECK(fixture.broker.peek(fixture.producer, put.answer.job, nobody).durable_with == of_lease);
  CHECK(fixture.broker.touch(worker, put.answer.job).durable_with == receipt{});
  REQUIRE(fixture.broker.release(worker, put.answer.job, 0, {}).answer);
  CHECK(fixture.broker.try_reserve(worker, engine::lease::ttr).durable_with == of_lease);

  store.commit_all();
  CHECK(fixture.broker.peek(fixture.producer, put.answer.job, nobody).durable_with == receipt{});
  REQUIRE(fixture.broker.release(worker, put.answer.job, 0, {}).answer);
  CHECK(fixture.broker.reserve_job(worker, put.answer.job, nobody).durable_with == receipt{});
}

TEST_CASE("the receipt of several commands is the later one") {
  CHECK(later_of(receipt{3, 3}, receipt{0, 5}) == receipt{3, 5});
  CHECK(later_of(receipt{}, receipt{7, 7}) == receipt{7, 7});
}
