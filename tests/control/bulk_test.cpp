#include "control/bulk.hpp"

#include <string>

#include "broker/broker_fixture.hpp"
#include "broker/manual_store.hpp"
#include "control/actions.hpp"
#include "control/bulk_routes.hpp"
#include "store/wall_clock.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace std::chrono_literals;
using testing::broker_fixture;
using testing::manual_store;

namespace {

struct has_store {
  manual_store store;
};

/// A queue of two jobs, put two hours and half an hour before an action of an earlier process began, and one job that
/// was put after that.
struct interrupted_action_fixture : has_store, broker_fixture {
  interrupted_action_fixture() : broker_fixture{&store}, mail{queue("mail", {.durability = engine::durability::sync})} {
    put(mail, "old");
    loop.advance(90min);
    put(mail, "young");
    loop.advance(30min);
    began = loop.now();
    loop.advance(5h);
    put(mail, "later");
  }
  ~interrupted_action_fixture() {
    actions.stop();
    finish();
  }

  /// The daemon has started again, and the action goes on.
  void resume(const std::string& request) {
    const auto began_ns = std::to_string(store::to_disk(began, store::read_wall_offset()));
    broker.restore_action(7, R"({"kind": "delete", "queue": "mail", "key": "", "began_ns": )" + began_ns +
                                 R"(, "last_job": 2, "request": )" + request + "}");
    control::resume_bulk_changes(context, actions);
    finish();
  }
  void finish() {
    for (int steps = 0; steps < 5; ++steps) {
      loop.run_ready();
      store.commit_all();
    }
    loop.run_ready();
  }

  queue_id mail;
  instant began{};
  http::readiness readiness;
  control::context context{.loop = loop, .broker = broker, .readiness = readiness};
  control::actions actions{loop};
};

}  // namespace

TEST_CASE("after a restart a bulk change leaves jobs alone that were put after it had begun") {
  interrupted_action_fixture fixture;
  fixture.resume(R"({"state": ["ready"]})");
  CHECK(fixture.levels(fixture.mail).ready == 1);
  CHECK(fixture.broker.engine().look(job_id{3}).has_value());
}

TEST_CASE("after a restart a bulk change of older jobs counts their age from its begin") {
  interrupted_action_fixture fixture;
  fixture.resume(R"({"state": ["ready"], "older": "1h"})");
  CHECK(fixture.levels(fixture.mail).ready == 2);
  CHECK_FALSE(fixture.broker.engine().look(job_id{1}).has_value());
}
