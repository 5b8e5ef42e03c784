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

/// A broker on a manual clock, and what is logged of its held puts.
struct held_puts_fixture {
  ~held_puts_fixture() {
    broker.close();
    loop.run_ready();
  }

  void put(queue_id queue) { static_cast<void>(broker.try_put(broker.open_session(), queue, {.content = body{"x"}})); }
  void look() {
    tasks.spawn("look", reports.look(loop));
    loop.run_ready();
    REQUIRE(tasks.size() == 0);
  }
  void look_after(duration time) {
    loop.advance(time);
    look();
  }

  testing::taken_log log{{"queue"}};
  loop::event_loop loop{loop::clock_kind::manual};
  store::memory_store nothing;
  broker::broker broker{loop, nothing};
  held_puts reports{broker};
  loop::task_scope tasks{loop};
};

using lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a put that is held is logged once per queue and minute, with the name of the queue") {
  held_puts_fixture it;
  const auto small = it.broker.declare("small", {.max_jobs = 1}).value();
  const auto other = it.broker.declare("other", {.max_jobs = 1}).value();
  for (int n = 0; n < 3; ++n) it.put(small);
  it.look_after(held_puts::logged_after - nanoseconds{1});
  it.put(other);
  it.put(other);
  it.look_after(nanoseconds{1});           // small
  it.look_after(held_puts::logged_after);  // other
  it.look_after(held_puts::logged_after);  // none
  it.look_after(held_puts::logged_every);  // both
  CHECK(it.log.finish() == lines{"put_held small", "put_held other", "put_held small", "put_held other"});
}

TEST_CASE("puts that are admitted in time are not logged") {
  held_puts_fixture it;
  const auto small = it.broker.declare("small", {.max_jobs = 1}).value();
  it.put(small);
  for (int n = 0; n < 20; ++n) {
    it.put(small);
    it.look_after(held_puts::logged_after / 2);
    CHECK(it.broker.erase(it.broker.open_session(), it.broker.engine().first_ready(small)->job).answer);
  }
  CHECK(it.log.finish().empty());
}

TEST_CASE("held puts are found among many queues while other tasks run") {
  held_puts_fixture it;
  for (std::size_t n = 0; n < 3 * held_puts::slice_queues; ++n) it.broker.declare("q" + std::to_string(n), {}).value();
  const auto last = it.broker.declare("last", {.max_jobs = 1}).value();
  it.put(last);
  it.put(last);
  it.loop.advance(held_puts::logged_after);
  it.tasks.spawn("look", it.reports.look(it.loop));
  CHECK(it.loop.run_ready() > 3);
  CHECK(it.log.finish() == lines{"put_held last"});
}
