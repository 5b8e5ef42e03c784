#include "broker/deadline_timer.hpp"

#include <algorithm>
#include <millrace/loop/deadline.hpp>

#include "broker/broker_fixture.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::broker_fixture;

TEST_CASE("a delayed job reaches who waits for it when its time has come, not before") {
  broker_fixture fixture;
  const auto queue = fixture.queue("work");
  broker_fixture::answer waited;
  fixture.reserve(fixture.watching_session("work"), waited);
  fixture.put(queue, "a", seconds{5});

  fixture.loop.advance(nanoseconds{seconds{5}} - nanoseconds{1});
  CHECK_FALSE(waited.reserved);
  fixture.loop.advance(nanoseconds{1});
  REQUIRE(waited.reserved);
  CHECK(waited.reserved->job.content.view() == "a");
}

TEST_CASE("a shorter delay that comes later rings first") {
  broker_fixture fixture;
  const auto queue = fixture.queue("work");
  fixture.put(queue, "late", seconds{9});
  fixture.put(queue, "soon", seconds{1});

  fixture.loop.advance(seconds{1});
  CHECK(fixture.levels(queue).ready == 1);
  CHECK(fixture.broker.engine().first_ready(queue)->content.view() == "soon");
  fixture.loop.advance(seconds{8});
  CHECK(fixture.levels(queue).ready == 2);
}

TEST_CASE("a job whose time to run is over becomes ready again") {
  broker_fixture fixture;
  const auto queue = fixture.queue("work");
  fixture.put(queue, "a", {}, seconds{10});
  static_cast<void>(fixture.broker.try_reserve(fixture.watching_session("work"), engine::lease::ttr));

  fixture.loop.advance(seconds{10});

  CHECK(fixture.levels(queue).ready == 1);
}

namespace {

loop::awaitable<> watch_turns(loop::event_loop& loop, instant from, broker::broker& broker, queue_id queue,
                              std::size_t jobs, std::uint64_t& most_in_a_turn, std::size_t& turns) {
  co_await loop::sleep_until(loop, from);
  std::uint64_t before = broker.engine().levels(queue).ready;
  while (before < jobs) {
    co_await loop::yield(loop);
    const auto ready = broker.engine().levels(queue).ready;
    most_in_a_turn = std::max(most_in_a_turn, ready - before);
    if (ready != before) ++turns;
    before = ready;
  }
}

}  // namespace

TEST_CASE("100,000 jobs that come due together become ready in turns, and others have theirs between") {
  constexpr std::size_t jobs = 100'000;
  broker_fixture fixture;
  const auto queue = fixture.queue("work");
  for (std::size_t i = 0; i < jobs; ++i) fixture.put(queue, "a", seconds{1});
  std::uint64_t most_in_a_turn = 0;
  std::size_t turns = 0;
  const auto due = fixture.loop.now() + seconds{1};
  fixture.scope.spawn("watcher", watch_turns(fixture.loop, due, fixture.broker, queue, jobs, most_in_a_turn, turns));

  fixture.loop.advance(seconds{1});

  CHECK(fixture.levels(queue).ready == jobs);
  CHECK(most_in_a_turn <= engine::moves_per_turn_max);
  CHECK(turns >= jobs / engine::moves_per_turn_max - 2);
}

TEST_CASE("an alarm asks for its work once a turn until nothing is due, and can be set anew") {
  loop::event_loop loop{loop::clock_kind::manual};
  unsigned calls = 0;
  instant next = never;
  broker::deadline_timer timer{loop, [&] {
                                 ++calls;
                                 if (calls < 4) return loop.now();
                                 return calls == 5 ? next : never;
                               }};
  timer.set(loop.now() + seconds{1});
  loop.advance(seconds{1});
  CHECK(calls == 4);

  next = loop.now() + seconds{5};
  timer.set(loop.now() + seconds{2});
  timer.set(loop.now() + seconds{1});
  loop.advance(seconds{1});
  CHECK(calls == 5);
  loop.advance(seconds{4});
  CHECK(calls == 6);

  timer.close();
  loop.advance(seconds{10});
  CHECK(calls == 6);
}
