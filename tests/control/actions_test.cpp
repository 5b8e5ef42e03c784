#include "control/actions.hpp"

#include "broker/broker_fixture.hpp"
#include "broker/manual_store.hpp"
#include "control/bulk.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace std::chrono_literals;
using control::action;
using control::action_state;
using testing::broker_fixture;
using testing::manual_store;

namespace {

/// A broker with a durable queue of so many jobs, all on disk, and the actions on it.
struct has_store {
  manual_store store;
};
struct actions_fixture : has_store, broker_fixture {
  explicit actions_fixture(std::size_t jobs)
      : broker_fixture{&store}, mail{queue("mail", {.durability = engine::durability::sync})} {
    for (std::size_t n = 0; n < jobs; ++n) put(mail, "x");
    store.commit_all();
    loop.advance(1ms);
  }
  ~actions_fixture() {
    actions.stop();
    store.commit_all();
    loop.run_ready();
  }

  std::shared_ptr<const action> purge() {
    auto steps = [this](action& facts) { return control::purge(context, mail, {engine::job_state::ready}, facts); };
    return actions.start({.kind = "purge", .target = "mail"}, std::move(steps)).value();
  }

  queue_id mail;
  http::readiness readiness;
  control::context context{.loop = loop, .broker = broker, .readiness = readiness};
  control::actions actions{loop};
};

}  // namespace

TEST_CASE("a step of a purge counts when it is durable, and the next begins after that") {
  actions_fixture fixture{2'500};
  const auto purge = fixture.purge();
  fixture.loop.run_ready();
  CHECK(purge->done == 0);
  CHECK(fixture.levels(fixture.mail).ready == 1'500);
  fixture.store.commit_all();
  fixture.loop.run_ready();
  CHECK(purge->done == 1'000);
  CHECK(fixture.levels(fixture.mail).ready == 500);
  fixture.store.commit_all();
  fixture.loop.run_ready();
  fixture.store.commit_all();
  fixture.loop.run_ready();
  CHECK(purge->done == 2'500);
  CHECK(purge->state == action_state::done);
}

TEST_CASE("a purge that is stopped ends after its step, and no other begins") {
  actions_fixture fixture{2'500};
  const auto purge = fixture.purge();
  fixture.loop.run_ready();
  fixture.actions.stop();
  fixture.store.commit_all();
  fixture.loop.run_ready();
  CHECK(purge->state == action_state::stopped);
  CHECK(purge->done == 1'000);
  CHECK(fixture.levels(fixture.mail).ready == 1'500);
  CHECK(fixture.actions.start({.kind = "purge", .target = "mail"}, {}).error().code == errc::cancelled);
}

TEST_CASE("a purge that waits for the disk is cancelled when the patience of the end is over") {
  actions_fixture fixture{2'500};
  const auto purge = fixture.purge();
  fixture.loop.run_ready();
  loop::task_scope scope{fixture.loop};
  scope.spawn("close", fixture.actions.close(1s));
  fixture.loop.advance(999ms);
  CHECK(purge->state == action_state::running);
  fixture.loop.advance(1ms);
  CHECK(purge->state == action_state::stopped);
  CHECK(purge->done == 0);
  CHECK(scope.size() == 0);
}

TEST_CASE("a limited number of actions runs at a time, and a limited number of ended ones is remembered") {
  actions_fixture fixture{1};
  const auto first = fixture.purge();
  for (std::size_t n = 1; n < control::actions::running_max; ++n) fixture.purge();
  CHECK(fixture.actions.start({.kind = "purge", .target = "mail"}, {}).error().code == errc::refused);
  fixture.loop.run_ready();
  fixture.store.commit_all();
  fixture.loop.run_ready();
  CHECK(first->done == 1);
  CHECK(fixture.actions.find(first->id) == first);
  for (std::size_t n = 0; n < control::actions::ended_max + 1; ++n) {
    fixture.purge();
    fixture.loop.run_ready();
  }
  CHECK(fixture.actions.find(first->id) == nullptr);
  CHECK(fixture.actions.all().size() <= control::actions::ended_max + 1);
}
