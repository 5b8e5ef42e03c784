#include "loop/bounded_queue.hpp"

#include <algorithm>
#include <memory>
#include <numeric>
#include <string_view>

#include <millrace/loop/deadline.hpp>

#include "support/catch.hpp"

#include "loop/still_loop.hpp"

namespace millrace::loop {
namespace {

awaitable<> push_all(bounded_queue<int>& queue, int from, int to) {
  for (int n = from; n <= to; ++n) {
    int item = n;
    if (!queue.try_push(item) && !co_await queue.push(item)) co_return;
  }
}

awaitable<> pop_all(bounded_queue<int>& queue, std::vector<int>& popped) {
  for (;;) {
    std::optional<int> item = queue.try_pop();
    if (!item) item = co_await queue.pop();
    if (!item) co_return;
    popped.push_back(*item);
  }
}

awaitable<> push_one(bounded_queue<int>& queue, int item, diary& happened) {
  const bool taken = co_await queue.push(item);
  happened.push_back(taken ? "pushed" : "refused");
}

awaitable<> pop_one(bounded_queue<int>& queue, std::vector<int>& popped) {
  const std::optional<int> item = co_await queue.pop();
  if (item) popped.push_back(*item);
}

awaitable<> push_then_close(bounded_queue<int>& queue, int count) {
  co_await push_all(queue, 1, count);
  queue.close();
}

awaitable<> pop_and_wait_again(bounded_queue<int>& queue, std::vector<int>& popped) {
  const std::optional<int> item = co_await queue.pop();
  popped.push_back(*item);
  co_await queue.pop();
}

std::vector<int> one_to(int last) {
  std::vector<int> all(static_cast<std::size_t>(last));
  std::iota(all.begin(), all.end(), 1);
  return all;
}

std::uint64_t turns_of(const event_loop& loop, std::string_view name) {
  for (const task_facts& task : loop.tasks()) {
    if (task.name == name) return task.turns;
  }
  return 0;
}

}  // namespace

TEST_CASE("a bounded queue gives out what was put in, in order, up to its capacity", "[bounded_queue]") {
  still_loop still;
  bounded_queue<int> queue{still.loop, 3};
  CHECK(queue.capacity() == 3);
  for (int round = 0; round < 5; ++round) {
    for (int n = 1; n <= 3; ++n) {
      int item = n;
      CHECK(queue.try_push(item));
    }
    int more = 4;
    CHECK_FALSE(queue.try_push(more));
    CHECK(queue.size() == 3);
    CHECK(queue.try_pop() == 1);
    CHECK(queue.try_pop() == 2);
    CHECK(queue.try_pop() == 3);
    CHECK(queue.try_pop() == std::nullopt);
  }
}

TEST_CASE("an item that finds no room stays with its owner; what is left inside is freed", "[bounded_queue]") {
  still_loop still;
  auto kept = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = kept;
  {
    bounded_queue<std::shared_ptr<int>> queue{still.loop, 1};
    auto other = std::make_shared<int>(2);
    CHECK(queue.try_push(kept));
    CHECK(kept == nullptr);
    CHECK_FALSE(queue.try_push(other));
    CHECK(*other == 2);
  }
  CHECK(watched.expired());
}

TEST_CASE("producer and consumer wake each other once a filled or drained queue, not once an item", "[bounded_queue]") {
  still_loop still;
  bounded_queue<int> queue{still.loop, 100};
  std::vector<int> popped;
  still.scope.spawn("consumer", pop_all(queue, popped));
  still.scope.spawn("producer", push_all(queue, 1, 10'000));
  still.loop.run_ready();
  CHECK(popped == one_to(10'000));
  const std::uint64_t consumer_turns = turns_of(still.loop, "consumer");
  CHECK(consumer_turns >= 100);
  CHECK(consumer_turns <= 102);
  queue.close();
}

TEST_CASE("several producers and consumers lose and double nothing", "[bounded_queue]") {
  still_loop still;
  bounded_queue<int> queue{still.loop, 2};
  std::vector<int> popped;
  for (int n = 0; n < 4; ++n) still.scope.spawn("producer", push_all(queue, n * 100 + 1, n * 100 + 100));
  for (int n = 0; n < 3; ++n) still.scope.spawn("consumer", pop_all(queue, popped));
  still.loop.run_ready();
  std::sort(popped.begin(), popped.end());
  CHECK(popped == one_to(400));
  queue.close();
}

TEST_CASE("closing leaves the rest to the poppers, then nothing", "[bounded_queue]") {
  still_loop still;
  bounded_queue<int> queue{still.loop, 10};
  std::vector<int> popped;
  still.scope.spawn("producer", push_then_close(queue, 5));
  still.loop.run_ready();
  CHECK(queue.closed());
  int late = 6;
  CHECK_FALSE(queue.try_push(late));
  still.scope.spawn("consumer", pop_all(queue, popped));
  still.loop.run_ready();
  CHECK(popped == one_to(5));
  CHECK(still.scope.size() == 0);
}

TEST_CASE("closing wakes and refuses who waits", "[bounded_queue]") {
  still_loop still;
  bounded_queue<int> full{still.loop, 1};
  bounded_queue<int> empty{still.loop, 1};
  int item = 1;
  full.try_push(item);
  diary happened;
  std::vector<int> popped;
  still.scope.spawn("pusher", push_one(full, 2, happened));
  still.scope.spawn("popper", pop_one(empty, popped));
  still.loop.run_ready();
  CHECK(still.scope.size() == 2);
  full.close();
  empty.close();
  still.loop.run_ready();
  CHECK(happened == diary{"refused"});
  CHECK(popped.empty());
  CHECK(still.scope.size() == 0);
  CHECK(full.try_pop() == 1);
}

TEST_CASE("pushers of a full queue are served in the order in which they came", "[bounded_queue]") {
  still_loop still;
  bounded_queue<int> queue{still.loop, 1};
  diary happened;
  for (const int n : {1, 2, 3}) still.scope.spawn("pusher", push_one(queue, n, happened));
  std::vector<int> popped;
  for (int n = 0; n < 3; ++n) {
    still.loop.run_ready();
    popped.push_back(queue.try_pop().value_or(0));
  }
  CHECK(popped == one_to(3));
}

TEST_CASE("a cancelled pusher's item stays out, a cancelled popper takes none", "[bounded_queue]") {
  still_loop still;
  bounded_queue<int> queue{still.loop, 1};
  diary happened;
  std::vector<int> popped;
  const task_id popper = still.scope.spawn("popper", pop_one(queue, popped));
  still.loop.run_ready();
  still.loop.cancel(popper);
  still.loop.run_ready();
  int item = 1;
  CHECK(queue.try_push(item));

  const task_id pusher = still.scope.spawn("pusher", push_one(queue, 2, happened));
  still.loop.run_ready();
  still.loop.cancel(pusher);
  still.loop.run_ready();
  CHECK(queue.try_pop() == 1);
  still.loop.run_ready();
  CHECK(queue.try_pop() == std::nullopt);
  CHECK(popped.empty());
  CHECK(happened.empty());
}

TEST_CASE("an item for which a popper was woken reaches it although it is cancelled meanwhile", "[bounded_queue]") {
  still_loop still;
  bounded_queue<int> queue{still.loop, 1};
  std::vector<int> popped;
  const task_id popper = still.scope.spawn("popper", pop_and_wait_again(queue, popped));
  still.loop.run_ready();
  int item = 7;
  queue.try_push(item);
  still.loop.cancel(popper);
  still.loop.run_ready();
  CHECK(popped == std::vector<int>{7});
  CHECK(still.scope.size() == 0);
}

TEST_CASE("the time that pushers are held is measured", "[bounded_queue]") {
  still_loop still;
  bounded_queue<int> queue{still.loop, 1};
  int item = 1;
  queue.try_push(item);
  diary happened;
  still.scope.spawn("a", push_one(queue, 2, happened));
  still.loop.advance(seconds{1});
  still.scope.spawn("b", push_one(queue, 3, happened));
  still.loop.advance(seconds{1});
  CHECK(queue.held_pushers().active() == 2);
  CHECK(queue.held_pushers().total(still.loop.now()) == seconds{3});
  queue.try_pop();
  still.loop.advance(seconds{1});
  CHECK(queue.held_pushers().active() == 1);
  CHECK(queue.held_pushers().total(still.loop.now()) == seconds{4});
  queue.close();
  still.loop.run_ready();
  CHECK(queue.held_pushers().active() == 0);
  CHECK(queue.held_pushers().total(still.loop.now() + hours{1}) == seconds{4});
}

}  // namespace millrace::loop
