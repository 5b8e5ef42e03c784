#include "support/catch.hpp"

#include <optional>
#include <stdexcept>

#include <millrace/loop/deadline.hpp>

#include "loop/still_loop.hpp"

namespace millrace::loop {
namespace {

awaitable<int> value_after(event_loop& loop, duration length, int value) {
  co_await sleep_for(loop, length);
  co_return value;
}

awaitable<int> value_in_spite_of_all(event_loop& loop, int value) {
  try {
    co_await sleep_for(loop, hours{1});
  } catch (const boost::system::system_error&) {
  }
  co_return value;
}

awaitable<> sleep_and_note(event_loop& loop, duration length, diary& happened) {
  std::string end;
  try {
    co_await sleep_for(loop, length);
    end = "slept";
  } catch (const boost::system::system_error&) {
    end = "cancelled";
  }
  happened.push_back(end);
  if (end == "cancelled") throw boost::system::system_error(boost::asio::error::operation_aborted);
}

awaitable<> throw_at_once(event_loop& loop) {
  co_await yield(loop);
  throw std::runtime_error("broken");
}

awaitable<> within(event_loop& loop, awaitable<int> work, duration limit, std::optional<int>& value) {
  value = co_await with_timeout(loop, std::move(work), after(loop.now(), limit));
}

awaitable<> within(event_loop& loop, awaitable<> work, instant limit, diary& happened) {
  const bool in_time = co_await with_timeout(loop, std::move(work), limit);
  happened.push_back(in_time ? "in time" : "late");
}

}  // namespace

TEST_CASE("work that ends in time gives its value", "[timeout]") {
  still_loop still;
  std::optional<int> value;
  still.scope.spawn("waiter", within(still.loop, value_after(still.loop, seconds{1}, 7), seconds{2}, value));
  still.loop.advance(seconds{1});
  CHECK(value == 7);
  CHECK(still.loop.tasks().empty());
}

TEST_CASE("work that is late is cancelled and has ended before the caller goes on", "[timeout]") {
  still_loop still;
  diary happened;
  const instant limit = still.loop.now() + seconds{1};
  still.scope.spawn("waiter", within(still.loop, sleep_and_note(still.loop, hours{1}, happened), limit, happened));
  still.loop.advance(milliseconds{999});
  CHECK(happened.empty());
  still.loop.advance(milliseconds{1});
  CHECK(happened == diary{"cancelled", "late"});
}

TEST_CASE("a value that comes in spite of the deadline is not lost", "[timeout]") {
  still_loop still;
  std::optional<int> value;
  still.scope.spawn("waiter", within(still.loop, value_in_spite_of_all(still.loop, 7), seconds{1}, value));
  still.loop.advance(seconds{1});
  CHECK(value == 7);
}

TEST_CASE("a deadline of never never comes, and one in the past comes at once", "[timeout]") {
  still_loop still;
  diary happened;
  still.scope.spawn("patient", within(still.loop, sleep_and_note(still.loop, hours{1}, happened), never, happened));
  still.loop.advance(hours{1});
  CHECK(happened == diary{"slept", "in time"});
  happened.clear();
  const instant past = still.loop.now() - seconds{1};
  still.scope.spawn("hasty", within(still.loop, sleep_and_note(still.loop, hours{1}, happened), past, happened));
  still.loop.run_ready();
  CHECK(happened == diary{"cancelled", "late"});
}

TEST_CASE("an exception of the work is the caller's", "[timeout]") {
  still_loop still;
  diary happened;
  std::string end;
  const instant limit = still.loop.now() + seconds{1};
  still.scope.spawn("waiter", noting_the_end(within(still.loop, throw_at_once(still.loop), limit, happened), end));
  still.loop.run_ready();
  CHECK(end == "broken");
}

TEST_CASE("a cancelled caller cancels the work and waits for its end", "[timeout]") {
  still_loop still;
  diary happened;
  std::string end;
  const instant limit = still.loop.now() + hours{2};
  const task_id id = still.scope.spawn(
      "waiter",
      noting_the_end(within(still.loop, sleep_and_note(still.loop, hours{1}, happened), limit, happened), end));
  still.loop.run_ready();
  still.loop.cancel(id);
  still.loop.run_ready();
  CHECK(happened == diary{"cancelled"});
  CHECK(end == "cancelled");
}

}  // namespace millrace::loop
