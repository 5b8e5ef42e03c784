#include "support/catch.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <random>
#include <stdexcept>

#include <millrace/loop/deadline.hpp>

#include "loop/deadline_heap.hpp"
#include "loop/still_loop.hpp"

namespace millrace::loop {
namespace {

awaitable<> sleep_then_write(event_loop& loop, duration length, diary& happened, std::string text) {
  co_await sleep_for(loop, length);
  happened.push_back(std::move(text));
}

awaitable<> take_turns(event_loop& loop, diary& happened, std::string name) {
  for (int round = 0; round < 2; ++round) {
    happened.push_back(name);
    co_await yield(loop);
  }
}

}  // namespace

TEST_CASE("deadlines fire in order and never early", "[deadline]") {
  still_loop still;
  diary fired;
  deadline late{still.loop, [&] { fired.push_back("late"); }};
  deadline soon{still.loop, [&] { fired.push_back("soon"); }};
  const instant begin = still.loop.now();
  late.set(begin + seconds{2});
  soon.set(begin + seconds{1});
  CHECK(soon.when() == begin + seconds{1});
  still.loop.advance(seconds{1} - nanoseconds{1});
  CHECK(fired.empty());
  still.loop.advance(nanoseconds{1});
  CHECK(fired == diary{"soon"});
  CHECK(soon.when() == never);
  still.loop.advance(hours{1});
  CHECK(fired == diary{"soon", "late"});
}

TEST_CASE("of two deadlines with the same instant, the one set first fires first", "[deadline]") {
  still_loop still;
  std::vector<int> fired;
  std::deque<deadline> all;
  for (int n = 0; n < 20; ++n) {
    all.emplace_back(still.loop, [&fired, n] { fired.push_back(n); });
    all.back().set(still.loop.now() + seconds{1});
  }
  still.loop.advance(seconds{1});
  CHECK(fired.size() == 20);
  CHECK(std::is_sorted(fired.begin(), fired.end()));
}

TEST_CASE("a deadline can be moved, cleared, and destroyed while it is set", "[deadline]") {
  still_loop still;
  diary fired;
  deadline moved{still.loop, [&] { fired.push_back("moved"); }};
  moved.set(still.loop.now() + seconds{1});
  moved.set(still.loop.now() + seconds{3});
  deadline cleared{still.loop, [&] { fired.push_back("cleared"); }};
  cleared.set(still.loop.now() + seconds{1});
  cleared.clear();
  cleared.clear();
  deadline unset{still.loop, [&] { fired.push_back("unset"); }};
  unset.set(still.loop.now() + seconds{1});
  unset.set(never);
  {
    deadline gone{still.loop, [&] { fired.push_back("gone"); }};
    gone.set(still.loop.now() + seconds{1});
  }
  still.loop.advance(seconds{2});
  CHECK(fired.empty());
  still.loop.advance(seconds{1});
  CHECK(fired == diary{"moved"});
}

TEST_CASE("a deadline may set itself again while it fires, also for now", "[deadline]") {
  still_loop still;
  int fired = 0;
  deadline* self = nullptr;
  deadline again{still.loop, [&] {
                   ++fired;
                   if (fired < 3) self->set(still.loop.now());
                   if (fired == 3) self->set(still.loop.now() + seconds{1});
                 }};
  self = &again;
  again.set(still.loop.now());
  still.loop.run_ready();
  CHECK(fired == 3);
  still.loop.advance(seconds{1});
  CHECK(fired == 4);
}

TEST_CASE("the heap gives out any mixture of deadlines in order", "[deadline]") {
  const std::uint32_t seed = 20240607;
  CAPTURE(seed);
  std::mt19937 random{seed};
  std::deque<due_entry> entries(500);
  deadline_heap heap;
  std::vector<due_entry*> set;
  for (int round = 0; round < 20'000; ++round) {
    due_entry& entry = entries[random() % entries.size()];
    if (random() % 4 == 0) {
      heap.clear(entry);
    } else {
      heap.set(entry, instant{nanoseconds{random() % 1000}});
    }
    if (round % 97 == 0) heap.take_due(instant{nanoseconds{random() % 200}});
  }
  const auto expected = static_cast<std::size_t>(std::count_if(
      entries.begin(), entries.end(), [](const due_entry& e) { return e.heap_index != due_entry::not_in_heap; }));
  REQUIRE(heap.size() == expected);
  instant last{};
  std::size_t taken = 0;
  while (heap.size() != 0) {
    const instant next = heap.next();
    REQUIRE(heap.take_due(next - nanoseconds{1}) == nullptr);
    REQUIRE(heap.take_due(next) != nullptr);
    REQUIRE(next >= last);
    last = next;
    ++taken;
  }
  CHECK(taken == expected);
  CHECK(heap.next() == never);
}

TEST_CASE("sleepers wake in the order of their instants", "[deadline]") {
  still_loop still;
  diary woke;
  for (const int n : {15, 10, 5, 2}) {
    still.scope.spawn("sleeper", sleep_then_write(still.loop, seconds{n}, woke, std::to_string(n)));
  }
  still.loop.advance(seconds{14});
  CHECK(woke == diary{"2", "5", "10"});
  still.loop.advance(seconds{1});
  CHECK(woke == diary{"2", "5", "10", "15"});
}

TEST_CASE("a cancelled sleeper leaves no deadline behind", "[deadline]") {
  still_loop still;
  diary woke;
  std::string end;
  const task_id id =
      still.scope.spawn("sleeper", noting_the_end(sleep_then_write(still.loop, seconds{1}, woke, "woke"), end));
  still.loop.run_ready();
  still.loop.cancel(id);
  still.loop.run_ready();
  CHECK(end == "cancelled");
  still.loop.advance(seconds{2});
  CHECK(woke.empty());
}

TEST_CASE("yielding tasks take turns", "[deadline]") {
  still_loop still;
  diary happened;
  still.scope.spawn("a", take_turns(still.loop, happened, "a"));
  still.scope.spawn("b", take_turns(still.loop, happened, "b"));
  still.loop.run_ready();
  CHECK(happened == diary{"a", "b", "a", "b"});
}

}  // namespace millrace::loop
