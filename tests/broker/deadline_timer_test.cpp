#include "broker/deadline_timer.hpp"

#include <algorithm>
#include <millrace/loop/deadline.hpp>

#include "broker/broker_fixture.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::broker_fixture;

TEST_CASE("a delayed job reaches who waits for it when its time has come, not before") {
  broker_fixture at;
  const auto queue = at.queue("work");
  broker_fixture::answer waited;
  at.reserve(at.watcher("work"), waited);
  at.put(queue, "a", seconds{5});

  at.loop.advance(nanoseconds{seconds{5}} - nanoseconds{1});
  CHECK_FALSE(waited.taken);
  at.loop.advance(nanoseconds{1});
  REQUIRE(waited.taken);
  CHECK(waited.taken->job.content.view() == "a");
}

TEST_CASE("a shorter delay that comes later rings first") {
  broker_fixture at;
  const auto queue = at.queue("work");
  at.put(queue, "late", seconds{9});
  at.put(queue, "soon", seconds{1});

  at.loop.advance(seconds{1});
  CHECK(at.levels(queue).ready == 1);
  CHECK(at.broker.engine().first_ready(queue)->content.view() == "soon");
  at.loop.advance(seconds{8});
  CHECK(at.levels(queue).ready == 2);
}

TEST_CASE("a job whose time to run is over becomes ready again") {
  broker_fixture at;
  const auto queue = at.queue("work");
  at.put(queue, "a", {}, seconds{10});
  static_cast<void>(at.broker.try_reserve(at.watcher("work"), engine::lease::ttr));

  at.loop.advance(seconds{10});

  CHECK(at.levels(queue).ready == 1);
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
  broker_fixture at;
  const auto queue = at.queue("work");
  for (std::size_t i = 0; i < jobs; ++i) at.put(queue, "a", seconds{1});
  std::uint64_t most_in_a_turn = 0;
  std::size_t turns = 0;
  const auto due = at.loop.now() + seconds{1};
  at.scope.spawn("watcher", watch_turns(at.loop, due, at.broker, queue, jobs, most_in_a_turn, turns));

  at.loop.advance(seconds{1});

  CHECK(at.levels(queue).ready == jobs);
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
