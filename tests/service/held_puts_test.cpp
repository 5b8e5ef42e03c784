#include "service/held_puts.hpp"

#include <string>
#include <vector>

#include "loop/task_scope.hpp"
#include "store/memory_store.hpp"
#include "support/catch.hpp"
#include "support/taken_log.hpp"

using namespace millrace;
using service::held_puts;

namespace {

/// A broker on a manual clock, with the log records of its held puts.
struct held_puts_fixture {
  ~held_puts_fixture() {
    broker.close();
    loop.run_ready();
  }

  void put(queue_id queue) { static_cast<void>(broker.try_put(broker.open_session(), queue, {.content = body{"x"}})); }
  void check() {
    tasks.spawn("check", reports.check(loop));
    loop.run_ready();
    REQUIRE(tasks.size() == 0);
  }
  void check_after(duration time) {
    loop.advance(time);
    check();
  }

  testing::taken_log log{{"queue"}};
  loop::event_loop loop{loop::clock_kind::manual};
  store::memory_store memory;
  broker::broker broker{loop, memory};
  held_puts reports{broker};
  loop::task_scope tasks{loop};
};

using lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a held put is logged once per queue and minute, with the name of the queue") {
  held_puts_fixture fixture;
  const auto small = fixture.broker.declare("small", {.max_jobs = 1}).value();
  const auto other = fixture.broker.declare("other", {.max_jobs = 1}).value();
  for (int n = 0; n < 3; ++n) fixture.put(small);
  fixture.check_after(held_puts::logged_after - nanoseconds{1});
  fixture.put(other);
  fixture.put(other);
  fixture.check_after(nanoseconds{1});           // small
  fixture.check_after(held_puts::logged_after);  // other
  fixture.check_after(held_puts::logged_after);  // none
  fixture.check_after(held_puts::logged_every);  // both
  CHECK(fixture.log.finish() == lines{"put_held small", "put_held other", "put_held small", "put_held other"});
}

TEST_CASE("puts that are admitted in time are not logged") {
  held_puts_fixture fixture;
  const auto small = fixture.broker.declare("small", {.max_jobs = 1}).value();
  fixture.put(small);
  for (int n = 0; n < 20; ++n) {
    fixture.put(small);
    fixture.check_after(held_puts::logged_after / 2);
    CHECK(fixture.broker.erase(fixture.broker.open_session(), fixture.broker.engine().first_ready(small)->job).answer);
  }
  CHECK(fixture.log.finish().empty());
}

TEST_CASE("held puts are found among many queues while other tasks run") {
  held_puts_fixture fixture;
  for (std::size_t n = 0; n < 3 * held_puts::slice_queues; ++n)
    fixture.broker.declare("q" + std::to_string(n), {}).value();
  const auto last = fixture.broker.declare("last", {.max_jobs = 1}).value();
  fixture.put(last);
  fixture.put(last);
  fixture.loop.advance(held_puts::logged_after);
  fixture.tasks.spawn("check", fixture.reports.check(fixture.loop));
  CHECK(fixture.loop.run_ready() > 3);
  CHECK(fixture.log.finish() == lines{"put_held last"});
}
