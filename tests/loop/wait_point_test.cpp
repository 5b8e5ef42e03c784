#include "support/catch.hpp"

#include <millrace/loop/wait_point.hpp>

#include "loop/still_loop.hpp"

namespace millrace::loop {
namespace {

awaitable<> wait_and_write(wait_point& point, diary& woken, std::string name) {
  co_await point.wait();
  woken.push_back(std::move(name));
}

awaitable<> wait_twice(wait_point& point, diary& woken) {
  co_await point.wait();
  woken.push_back("first");
  co_await point.wait();
  woken.push_back("second");
}

}  // namespace

TEST_CASE("waiters are woken in the order in which they came, at the next turn", "[wait_point]") {
  still_loop still;
  wait_point point{still.loop, "a test"};
  diary woken;
  for (const char* name : {"a", "b", "c"}) still.scope.spawn(name, wait_and_write(point, woken, name));
  still.loop.run_ready();
  CHECK(point.waiting() == 3);
  CHECK(still.loop.tasks()[0].waits_for == "a test");

  CHECK(point.wake_one());
  CHECK(woken.empty());
  CHECK(point.waiting() == 2);
  still.loop.run_ready();
  CHECK(woken == diary{"a"});

  CHECK(point.wake_all() == 2);
  still.loop.run_ready();
  CHECK(woken == diary{"a", "b", "c"});
  CHECK_FALSE(point.wake_one());
}

TEST_CASE("a cancelled waiter leaves the line wherever it stands", "[wait_point]") {
  for (std::size_t leaving = 0; leaving < 3; ++leaving) {
    still_loop still;
    wait_point point{still.loop, "a test"};
    diary woken;
    std::vector<task_id> ids;
    for (const char* name : {"a", "b", "c"}) {
      ids.push_back(still.scope.spawn(name, wait_and_write(point, woken, name)));
    }
    still.loop.run_ready();
    still.loop.cancel(ids[leaving]);
    still.loop.run_ready();
    CHECK(point.waiting() == 2);
    point.wake_all();
    still.loop.run_ready();
    diary expected{"a", "b", "c"};
    expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(leaving));
    CHECK(woken == expected);
  }
}

TEST_CASE("a waiter that was woken is not cancelled any more, but its next await is", "[wait_point]") {
  still_loop still;
  wait_point point{still.loop, "a test"};
  diary woken;
  std::string end;
  const task_id id = still.scope.spawn("waiter", noting_the_end(wait_twice(point, woken), end));
  still.loop.run_ready();
  point.wake_one();
  still.loop.cancel(id);
  still.loop.run_ready();
  CHECK(woken == diary{"first"});
  CHECK(end == "cancelled");
  CHECK(point.waiting() == 0);
}

}  // namespace millrace::loop
