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
using testing::taker;
using fixture = testing::receipt_fixture;

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
  command_effect (*effective)(fixture&);
  command_effect (*without_effect)(fixture&);
};

const command changing_commands[] = {
    {"put",
     [](fixture& at) {
       const auto answer = at.broker.try_put(at.producer, at.work, {.content = body{"b"}});
       return command_effect{answer.durable_with, answer.answer.status == engine::put_status::inserted};
     },
     [](fixture& at) {
       at.broker.refuse_puts();
       const auto answer = at.broker.try_put(at.producer, at.work, {.content = body{"b"}});
       return command_effect{answer.durable_with, answer.answer.status == engine::put_status::inserted};
     }},
    {"release", [](fixture& at) { return effect_of(at.broker.release(at.worker, at.add_reserved(), 0, {})); },
     [](fixture& at) { return effect_of(at.broker.release(at.worker, at.add(), 0, {})); }},
    {"bury", [](fixture& at) { return effect_of(at.broker.bury(at.worker, at.add_reserved(), 0)); },
     [](fixture& at) { return effect_of(at.broker.bury(at.worker, at.add(), 0)); }},
    {"delete", [](fixture& at) { return effect_of(at.broker.erase(at.worker, at.add_reserved())); },
     [](fixture& at) { return effect_of(at.broker.erase(at.producer, at.add_reserved())); }},
    {"finish", [](fixture& at) { return effect_of(at.broker.try_finish(at.worker, {.job = at.add_reserved()})); },
     [](fixture& at) { return effect_of(at.broker.try_finish(at.worker, {.job = at.add()})); }},
    {"a failed finish",
     [](fixture& at) {
       return effect_of(at.broker.try_finish(at.worker, {.job = at.add_reserved(), .result = engine::outcome::failed}));
     },
     [](fixture& at) {
       return effect_of(at.broker.try_finish(at.worker, {.job = no_job, .result = engine::outcome::failed}));
     }},
    {"purge",
     [](fixture& at) {
       at.add();
       const auto answer = at.broker.purge(at.work, engine::job_state::ready, at.loop.now());
       return command_effect{answer.durable_with, answer.answer == 1};
     },
     [](fixture& at) {
       at.add_reserved();
       const auto answer = at.broker.purge(at.work, engine::job_state::ready, at.loop.now());
       return command_effect{answer.durable_with, answer.answer != 0};
     }},
    {"kick",
     [](fixture& at) {
       at.add_buried();
       auto from = engine::engine::kick_from::undecided;
       const auto answer = at.broker.kick(at.work, 5, from);
       return command_effect{answer.durable_with, answer.answer == 1};
     },
     [](fixture& at) {
       at.add();
       auto from = engine::engine::kick_from::undecided;
       const auto answer = at.broker.kick(at.work, 5, from);
       return command_effect{answer.durable_with, answer.answer != 0};
     }},
    {"kick of one job", [](fixture& at) { return effect_of(at.broker.kick_job(at.add_buried())); },
     [](fixture& at) { return effect_of(at.broker.kick_job(at.add())); }},
    {"pause",
     [](fixture& at) {
       const auto answer = at.broker.pause(at.work, seconds{5});
       return command_effect{answer.durable_with, answer.answer.has_value()};
     },
     [](fixture& at) {
       const auto answer = at.broker.pause(queue_id{999}, seconds{5});
       return command_effect{answer.durable_with, answer.answer.has_value()};
     }}};

}  // namespace

TEST_CASE("an answer waits for the batch of what its command changed, as far as the queue's durability asks for it") {
  for (const auto promise : promises) {
    for (const auto& command : changing_commands) {
      INFO(command.name << ", durability " << static_cast<int>(promise));
      fixture at{promise};
      const auto before = at.store.newest;
      const auto answer = command.effective(at);
      REQUIRE(answer.changed);
      CHECK(answer.durable_with == at.of_last_change());
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
      const auto answer = command.without_effect(at);
      REQUIRE_FALSE(answer.changed);
      CHECK(answer.durable_with == receipt{});
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
  const auto answer = at.receipt_of_put(at.work, "a");
  CHECK(answer == receipt{.batch = at.store.newest, .written_with = at.store.newest});
  at.store.is_late = false;
  CHECK(at.receipt_of_put(at.work, "b").batch == 0);
}

TEST_CASE("a hand-off waits for its batch when one of its queues asks for it") {
  for (const auto promise : promises) {
    fixture at{promise};
    const auto output = at.queue("output", {.durability = durability::sync});
    const auto job = at.add_reserved();
    const auto answer = at.broker.try_finish(at.worker, {.job = job, .outputs = {{output, {.content = body{"out"}}}}});
    CHECK(answer.answer == engine::finish_status::done);
    CHECK(answer.durable_with == receipt{.batch = at.store.newest, .written_with = at.store.newest});
  }
}

TEST_CASE("an answer that tells an id waits for the block of that id, whatever its queue promises") {
  manual_store store;
  broker_fixture at{&store};
  const auto queue = at.queue("memory", {.max_jobs = 1});
  const auto worker = at.watcher("memory");
  taker waits, nobody;
  REQUIRE(at.broker.reserve(worker, engine::lease::ttr, never, waits).answer.status == engine::reserve_status::waiting);

  const auto put = at.broker.try_put(at.producer, queue, {.content = body{"a"}});
  const receipt of_lease{.batch = store.newest};
  REQUIRE(of_lease.batch > 0);
  CHECK(put.durable_with == of_lease);
  REQUIRE(waits.decisions.size() == 1);
  CHECK(waits.decisions[0].event.type == engine::event::kind::granted);
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

TEST_CASE("the receipt of several commands is the later one") {
  CHECK(later_of(receipt{3, 3}, receipt{0, 5}) == receipt{3, 5});
  CHECK(later_of(receipt{}, receipt{7, 7}) == receipt{7, 7});
}
