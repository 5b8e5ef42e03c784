#include "support/catch.hpp"

#include <memory>
#include <stdexcept>

#include <millrace/loop/deadline.hpp>
#include <millrace/loop/task.hpp>

#include "loop/still_loop.hpp"

namespace millrace::loop {
namespace {

awaitable<> sleep_an_hour(event_loop& loop) { co_await sleep_for(loop, hours{1}); }

awaitable<> write(diary& happened, std::string text) {
  happened.push_back(std::move(text));
  co_return;
}

awaitable<> say_goodbye_when_stopped(event_loop& loop, diary& happened) {
  bool stopped = false;
  try {
    co_await sleep_for(loop, hours{1});
  } catch (const boost::system::system_error& e) {
    stopped = e.code() == boost::asio::error::operation_aborted;
  }
  co_await ignore_cancellation();
  if (stopped) happened.push_back("stopped");
  co_await sleep_for(loop, seconds{1});
  happened.push_back("goodbye");
}

awaitable<> keep(std::shared_ptr<int> /*what*/, diary& happened) {
  happened.push_back("began");
  co_return;
}

awaitable<> list_itself(event_loop& loop, std::vector<task_facts>& listed) {
  listed = loop.tasks();
  co_return;
}

awaitable<> spawn_a_child(still_loop& still) {
  still.scope.spawn("child", sleep_an_hour(still.loop));
  co_return;
}

}  // namespace

TEST_CASE("a task begins at the next turn, not inside spawn", "[task]") {
  still_loop still;
  diary happened;
  still.scope.spawn("first", write(happened, "first"));
  happened.push_back("spawned");
  still.scope.spawn("second", write(happened, "second"));
  still.loop.run_ready();
  CHECK(happened == diary{"spawned", "first", "second"});
}

TEST_CASE("the list of tasks says name, age, what each waits for, and its turns", "[task]") {
  still_loop still;
  const task_id sleeper = still.scope.spawn("sleeper#1", sleep_an_hour(still.loop));
  still.loop.run_ready();
  still.loop.advance(seconds{5});
  const task_id young = still.scope.spawn("young", sleep_an_hour(still.loop));

  const std::vector<task_facts> tasks = still.loop.tasks();
  REQUIRE(tasks.size() == 2);
  CHECK(tasks[0].id == sleeper);
  CHECK(tasks[0].name == "sleeper#1");
  CHECK(tasks[0].age == seconds{5});
  CHECK(tasks[0].waits_for == "sleep");
  CHECK(tasks[0].turns == 1);
  CHECK(tasks[1].id == young);
  CHECK(tasks[1].waits_for == "its first turn");
  CHECK(tasks[1].turns == 0);
}

TEST_CASE("the list of tasks says who created each, also when the creator has ended", "[task]") {
  still_loop still;
  still.scope.spawn("parent", spawn_a_child(still));
  still.loop.run_ready();
  still.scope.spawn("takes the record of the parent", sleep_an_hour(still.loop));
  still.loop.post_from_any_thread([&] { still.scope.spawn("posted", sleep_an_hour(still.loop)); });
  still.loop.run_ready();
  std::vector<std::string> creators;
  for (const task_facts& task : still.loop.tasks()) creators.push_back(task.name + " by " + task.creator);
  CHECK(creators == diary{"child by parent", "takes the record of the parent by ", "posted by "});
}

TEST_CASE("a task that lists itself is running", "[task]") {
  still_loop still;
  std::vector<task_facts> listed;
  still.scope.spawn("self", list_itself(still.loop, listed));
  still.loop.run_ready();
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].waits_for == "running");
  CHECK(still.loop.tasks().empty());
}

TEST_CASE("cancelling a task makes its await throw operation_aborted", "[task]") {
  still_loop still;
  std::string end;
  const task_id id = still.scope.spawn("sleeper", noting_the_end(sleep_an_hour(still.loop), end));
  still.loop.run_ready();
  CHECK(still.loop.cancel(id));
  still.loop.run_ready();
  CHECK(end == "cancelled");
  CHECK(still.loop.tasks().empty());
  CHECK_FALSE(still.loop.cancel(id));
  CHECK_FALSE(still.loop.cancel(task_id{}));
}

TEST_CASE("a task cancelled before its first turn never begins, and what it was given is freed", "[task]") {
  still_loop still;
  diary happened;
  auto given = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = given;
  const task_id id = still.scope.spawn("never", keep(std::move(given), happened));
  still.loop.cancel(id);
  still.loop.run_ready();
  CHECK(happened.empty());
  CHECK(watched.expired());
  CHECK(still.scope.size() == 0);
}

TEST_CASE("a cancelled task can await again from where it asks not to be disturbed", "[task]") {
  still_loop still;
  diary happened;
  const task_id id = still.scope.spawn("polite", say_goodbye_when_stopped(still.loop, happened));
  still.loop.run_ready();
  still.loop.cancel(id);
  still.loop.run_ready();
  still.loop.cancel(id);
  still.loop.run_ready();
  CHECK(still.loop.tasks().at(0).waits_for == "sleep");
  still.loop.advance(seconds{1});
  CHECK(happened == diary{"stopped", "goodbye"});
}

TEST_CASE("a task may be cancelled while its records are used again", "[task]") {
  still_loop still;
  for (int round = 0; round < 3; ++round) {
    std::string end;
    const task_id id = still.scope.spawn("again", noting_the_end(sleep_an_hour(still.loop), end));
    still.loop.run_ready();
    still.loop.cancel(id);
    still.loop.cancel(id);
    still.loop.run_ready();
    CHECK(end == "cancelled");
  }
}

}  // namespace millrace::loop
