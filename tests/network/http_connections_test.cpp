#include "network/http_connections.hpp"

#include <string>

#include <millrace/loop/deadline.hpp>

#include "loop/task_scope.hpp"
#include "support/catch.hpp"

using namespace millrace;
using network::http_connections;

namespace {

struct fixture {
  explicit fixture(std::uint32_t per_origin_max) : connections{loop, per_origin_max, 10, seconds{30}, counts} {}

  loop::event_loop loop{loop::clock_kind::manual};
  loop::task_scope tasks{loop};
  network::http_client_counts counts;
  http_connections connections;
  std::string order;  ///< the names of the tasks that got a connection
};

/// Takes a connection `times` times, for a second each.
loop::awaitable<> use(fixture& at, std::string origin, char name, int times = 1) {
  for (; times != 0; --times) {
    auto acquiring = at.connections.acquire(origin);
    const auto taken = co_await std::move(acquiring);
    at.order += name;
    co_await loop::sleep_for(at.loop, seconds{1});
  }
}

}  // namespace

TEST_CASE("connections to one origin are limited, and those who wait get them in the order in which they came") {
  fixture at{2};
  for (const char name : {'a', 'b', 'c', 'd', 'e'}) at.tasks.spawn("use", use(at, "http://one", name, 2));
  at.tasks.spawn("use", use(at, "http://two", 'x'));
  at.loop.run_ready();
  CHECK(at.order == "abx");
  CHECK(at.connections.open() == 3);
  for (const char* const expected : {"abxcd", "abxcdea", "abxcdeabc", "abxcdeabcde"}) {
    at.loop.advance(seconds{1});
    CHECK(at.order == expected);
  }
  at.loop.advance(seconds{1});
  CHECK(at.connections.open() == 0);
  CHECK(at.tasks.size() == 0);
}

TEST_CASE("a cancelled task gives its connection, or its place among those who wait, to the next one") {
  fixture at{1};
  loop::task_scope cancelled{at.loop};
  cancelled.spawn("use", use(at, "http://one", 'a'));
  at.loop.run_ready();
  cancelled.spawn("use", use(at, "http://one", 'b'));
  at.tasks.spawn("use", use(at, "http://one", 'c'));
  at.loop.run_ready();
  CHECK(at.order == "a");
  cancelled.cancel();
  at.loop.run_ready();
  CHECK(at.order == "ac");
  at.loop.advance(seconds{1});
  CHECK(at.connections.open() == 0);
}

TEST_CASE("connections and the requests that wait for one are counted") {
  fixture at{1};
  loop::task_scope cancelled{at.loop};
  at.tasks.spawn("use", use(at, "http://one", 'a'));
  at.tasks.spawn("use", use(at, "http://two", 'x'));
  at.loop.run_ready();
  cancelled.spawn("use", use(at, "http://one", 'b'));
  at.tasks.spawn("use", use(at, "http://one", 'c'));
  at.loop.run_ready();
  CHECK(at.counts.busy == 2);
  CHECK(at.counts.opened.value() == 2);
  CHECK(at.counts.waiting.active() == 2);
  cancelled.cancel();
  at.loop.run_ready();
  CHECK(at.counts.waiting.active() == 1);
  at.loop.advance(seconds{1});
  CHECK(at.order == "axc");
  CHECK(at.counts.busy == 1);
  CHECK(at.counts.opened.value() == 3);
  CHECK(at.counts.waiting.active() == 0);
  CHECK(at.counts.waiting.total(at.loop.now()) == seconds{1});
  at.loop.advance(seconds{1});
  CHECK(at.counts.busy == 0);
}
