#include "support/catch.hpp"

#include <stdexcept>

#include <millrace/loop/deadline.hpp>

#include "loop/still_loop.hpp"
#include "support/taken_log.hpp"

namespace millrace::loop {
namespace {

awaitable<> sleep_then_write(event_loop& loop, duration length, diary& happened, std::string text) {
  co_await sleep_for(loop, length);
  happened.push_back(std::move(text));
}

awaitable<> fail(event_loop& loop, std::string text) {
  co_await yield(loop);
  throw std::runtime_error(text);
}

awaitable<> be_aborted_by_somebody_else() {
  throw boost::system::system_error(boost::asio::error::operation_aborted);
  co_return;
}

awaitable<> join_and_write(task_scope& scope, diary& happened) {
  try {
    co_await scope.join();
    happened.push_back("joined");
  } catch (const std::exception& e) {
    happened.push_back(e.what());
  }
}

awaitable<> own_a_scope(event_loop& loop, diary& happened) {
  task_scope inner{loop};
  inner.spawn("inner", sleep_then_write(loop, hours{1}, happened, "inner done"));
  bool stopped = false;
  try {
    co_await inner.join();
  } catch (const boost::system::system_error&) {
    stopped = true;
  }
  if (stopped) {
    co_await ignore_cancellation();
    inner.cancel();
    co_await inner.join();
    happened.push_back("inner ended");
  }
}

}  // namespace

TEST_CASE("join waits until every task has ended, and the scope can be used again", "[task_scope]") {
  still_loop still;
  task_scope scope{still.loop};
  diary happened;
  for (int round = 0; round < 2; ++round) {
    happened.clear();
    scope.spawn("a", sleep_then_write(still.loop, seconds{2}, happened, "a"));
    scope.spawn("b", sleep_then_write(still.loop, seconds{1}, happened, "b"));
    still.scope.spawn("joiner", join_and_write(scope, happened));
    still.loop.advance(seconds{1});
    CHECK(happened == diary{"b"});
    CHECK(scope.size() == 1);
    still.loop.advance(seconds{1});
    CHECK(happened == diary{"b", "a", "joined"});
  }
}

TEST_CASE("joining an empty scope returns at once", "[task_scope]") {
  still_loop still;
  task_scope scope{still.loop};
  diary happened;
  still.scope.spawn("joiner", join_and_write(scope, happened));
  still.loop.run_ready();
  CHECK(happened == diary{"joined"});
}

TEST_CASE("the first exception of a scope is rethrown by join, once", "[task_scope]") {
  still_loop still;
  task_scope scope{still.loop};
  diary happened;
  scope.spawn("one", fail(still.loop, "first"));
  scope.spawn("two", fail(still.loop, "second"));
  still.scope.spawn("joiner", join_and_write(scope, happened));
  still.loop.run_ready();
  CHECK(happened == diary{"first"});
  still.scope.spawn("joiner", join_and_write(scope, happened));
  still.loop.run_ready();
  CHECK(happened == diary{"first", "joined"});
}

TEST_CASE("an exception of a task is logged when the task ends, whether or not the scope is joined", "[task_scope]") {
  testing::taken_log log{{"task", "reason"}};
  still_loop still;
  task_scope scope{still.loop};
  diary happened;
  scope.spawn("one", fail(still.loop, "first"));
  scope.spawn("other", sleep_then_write(still.loop, hours{1}, happened, "woke"));
  still.loop.run_ready();
  CHECK(log.finish() == diary{"task_failed one first"});
  still.loop.advance(hours{1});
}

TEST_CASE("operation_aborted is no exception of a cancelled task, but it is one of any other", "[task_scope]") {
  still_loop still;
  task_scope scope{still.loop};
  diary happened;
  scope.spawn("sleeper", sleep_then_write(still.loop, hours{1}, happened, "woke"));
  still.scope.spawn("joiner", join_and_write(scope, happened));
  still.loop.run_ready();
  scope.cancel();
  still.loop.run_ready();
  CHECK(happened == diary{"joined"});

  scope.spawn("victim", be_aborted_by_somebody_else());
  still.scope.spawn("joiner", join_and_write(scope, happened));
  still.loop.run_ready();
  REQUIRE(happened.size() == 2);
  CHECK(happened[1] != "joined");
}

TEST_CASE("a task that owns a scope can end it when it is cancelled itself", "[task_scope]") {
  still_loop still;
  diary happened;
  const task_id owner = still.scope.spawn("owner", own_a_scope(still.loop, happened));
  still.loop.run_ready();
  CHECK(still.loop.tasks().size() == 2);
  still.loop.cancel(owner);
  still.loop.run_ready();
  CHECK(happened == diary{"inner ended"});
  CHECK(still.loop.tasks().empty());
}

TEST_CASE("a scope is full at its limit", "[task_scope]") {
  still_loop still;
  task_scope scope{still.loop, 2};
  diary happened;
  CHECK_FALSE(scope.full());
  scope.spawn("a", sleep_then_write(still.loop, seconds{1}, happened, "a"));
  scope.spawn("b", sleep_then_write(still.loop, seconds{1}, happened, "b"));
  CHECK(scope.full());
  still.loop.advance(seconds{1});
  CHECK_FALSE(scope.full());
}

}  // namespace millrace::loop
