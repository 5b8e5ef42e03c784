#include "loop/gate.hpp"

#include "support/catch.hpp"

#include <optional>

#include "loop/still_loop.hpp"

namespace millrace::loop {
namespace {

awaitable<> join_and_write(gate& closing, diary& joined, std::string name) {
  co_await closing.join();
  joined.push_back(std::move(name));
}

}  // namespace

TEST_CASE("a closed gate lets nothing in", "[gate]") {
  still_loop still;
  gate operations{still.loop, "a test"};
  CHECK(operations.hold());
  CHECK_FALSE(operations.closed());

  CHECK(operations.close());
  CHECK(operations.closed());
  CHECK_FALSE(operations.hold());
  CHECK_FALSE(operations.try_enter());
  CHECK_FALSE(operations.close());
  CHECK(operations.inside() == 0);
}

TEST_CASE("all who join a gate go on when the last entry has left", "[gate]") {
  still_loop still;
  gate operations{still.loop, "a test"};
  std::optional first{operations.hold()};
  REQUIRE(operations.try_enter());
  operations.close();
  diary joined;
  for (const char* name : {"a", "b"}) still.scope.spawn(name, join_and_write(operations, joined, name));
  still.loop.run_ready();
  CHECK(still.loop.tasks()[0].waits_for == "a test");

  first.reset();
  still.loop.run_ready();
  CHECK(joined.empty());
  CHECK(operations.inside() == 1);

  operations.leave();
  still.loop.run_ready();
  CHECK(joined == diary{"a", "b"});
}

TEST_CASE("joining a gate with nothing inside does not wait", "[gate]") {
  still_loop still;
  gate operations{still.loop, "a test"};
  operations.close();
  diary joined;
  still.scope.spawn("a", join_and_write(operations, joined, "a"));
  still.loop.run_ready();
  CHECK(joined == diary{"a"});
}

TEST_CASE("an entry that is moved leaves the gate once", "[gate]") {
  still_loop still;
  gate operations{still.loop, "a test"};
  {
    gate::entry first = operations.hold();
    const gate::entry second{std::move(first)};
    CHECK(second);
    CHECK(operations.inside() == 1);
  }
  CHECK(operations.inside() == 0);
}

TEST_CASE("an entry that is assigned to another leaves with it", "[gate]") {
  still_loop still;
  gate operations{still.loop, "a test"};
  gate::entry kept = operations.hold();
  {
    gate::entry other = operations.hold();
    kept = std::move(other);
    CHECK(operations.inside() == 2);
  }
  CHECK(operations.inside() == 1);
}

TEST_CASE("a task that is cancelled while it joins a gate leaves what is inside", "[gate]") {
  still_loop still;
  gate operations{still.loop, "a test"};
  const gate::entry inside = operations.hold();
  operations.close();
  diary joined;
  still.scope.spawn("a", join_and_write(operations, joined, "a"));
  still.loop.run_ready();
  still.scope.cancel();
  still.loop.run_ready();
  CHECK(joined.empty());
  CHECK(operations.inside() == 1);
}

}  // namespace millrace::loop
