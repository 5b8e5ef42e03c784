#include "network/http_connections.hpp"

#include <string>

#include <millrace/loop/deadline.hpp>

#include "loop/task_scope.hpp"
#include "support/catch.hpp"

using namespace millrace;
using network::http_connections;

namespace {

struct connections_fixture {
  explicit connections_fixture(std::uint32_t per_origin_max)
      : connections{loop, per_origin_max, 10, seconds{30}, counts} {}

  loop::event_loop loop{loop::clock_kind::manual};
  loop::task_scope tasks{loop};
  network::http_client_counts counts;
  http_connections connections;
  std::string order;  ///< the names of the tasks that got a connection
};

/// Takes a connection `times` times, for a second each.
loop::awaitable<> use(connections_fixture& fixture, std::string origin, char name, int times = 1) {
  for (; times != 0; --times) {
    auto acquiring = fixture.connections.acquire(origin);
    const auto taken = co_await std::move(acquiring);
    fixture.order += name;
    co_await loop::sleep_for(fixture.loop, seconds{1});
  }
}

}  // namespace

TEST_CASE("connections to one origin are limited, and those who wait get them in the order in which they came") {
  connections_fixture fixture{2};
  for (const char name : {'a', 'b', 'c', 'd', 'e'}) fixture.tasks.spawn("use", use(fixture, "http://one", name, 2));
  fixture.tasks.spawn("use", use(fixture, "http://two", 'x'));
  fixture.loop.run_ready();
  CHECK(fixture.order == "abx");
  CHECK(fixture.connections.open() == 3);
  for (const char* const expected : {"abxcd", "abxcdea", "abxcdeabc", "abxcdeabcde"}) {
    fixture.loop.advance(seconds{1});
    CHECK(fixture.order == expected);
  }
  fixture.loop.advance(seconds{1});
  CHECK(fixture.connections.open() == 0);
  CHECK(fixture.tasks.size() == 0);
}

TEST_CASE("a cancelled task gives its connection, or its place among those who wait, to the next one") {
  connections_fixture fixture{1};
  loop::task_scope cancelled{fixture.loop};
  cancelled.spawn("use", use(fixture, "http://one", 'a'));
  fixture.loop.run_ready();
  cancelled.spawn("use", use(fixture, "http://one", 'b'));
  fixture.tasks.spawn("use", use(fixture, "http://one", 'c'));
  fixture.loop.run_ready();
  CHECK(fixture.order == "a");
  cancelled.cancel();
  fixture.loop.run_ready();
  CHECK(fixture.order == "ac");
  fixture.loop.advance(seconds{1});
  CHECK(fixture.connections.open() == 0);
}

TEST_CASE("connections and the requests that wait for one are counted") {
  connections_fixture fixture{1};
  loop::task_scope cancelled{fixture.loop};
  fixture.tasks.spawn("use", use(fixture, "http://one", 'a'));
  fixture.tasks.spawn("use", use(fixture, "http://two", 'x'));
  fixture.loop.run_ready();
  cancelled.spawn("use", use(fixture, "http://one", 'b'));
  fixture.tasks.spawn("use", use(fixture, "http://one", 'c'));
  fixture.loop.run_ready();
  CHECK(fixture.counts.busy == 2);
  CHECK(fixture.counts.opened.value() == 2);
  CHECK(fixture.counts.waiting.active() == 2);
  cancelled.cancel();
  fixture.loop.run_ready();
  CHECK(fixture.counts.waiting.active() == 1);
  fixture.loop.advance(seconds{1});
  CHECK(fixture.order == "axc");
  CHECK(fixture.counts.busy == 1);
  CHECK(fixture.counts.opened.value() == 3);
  CHECK(fixture.counts.waiting.active() == 0);
  CHECK(fixture.counts.waiting.total(fixture.loop.now()) == seconds{1});
  fixture.loop.advance(seconds{1});
  CHECK(fixture.counts.busy == 0);
}
