#include <algorithm>
#include <map>

#include "broker/manual_store.hpp"
#include "support/catch.hpp"
#include "workload/changing_workload.hpp"

using namespace millrace;
using engine::outcome;
using testing::changing;
using texts = std::vector<std::string>;

TEST_CASE("a changed consumer finishes its job as it was, then continues as it is") {
  changing at;
  const auto work = at.queue("work");
  for (const auto* const body : {"1", "2"}) at.put(work, body);
  at.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{5}, at.note_as("old")));
  at.start();
  at.change({.consumers = {at.settings_of("slow", {.queue = {"work"}, .concurrency = 2},
                                          testing::waiting_kind(seconds{1}, at.note_as("new")))}});
  at.loop.advance(seconds{4});
  CHECK_FALSE(at.applied);
  CHECK(at.levels("work").reserved == 1);
  at.loop.advance(seconds{1});
  CHECK(at.applied == true);
  CHECK(at.jobs.consumers()[0]->concurrency == 2);
  at.loop.advance(seconds{1});

  CHECK(at.seen == texts{"old:1", "new:2"});
  CHECK(at.jobs.consumers().size() == 1);
  CHECK(at.outcomes(0, outcome::ok) == 2);
  CHECK(at.outcomes(0, outcome::cancelled) == 0);
}

TEST_CASE("consumers and producers that are not in the change do not notice it") {
  changing at;
  at.put(at.queue("work"), "a");
  at.put(at.queue("other"), "b");
  at.producer("ticks", {.queue = "third", .rate = 1}, testing::endless_source());
  at.consumer("changed", {.queue = {"work"}}, testing::waiting_kind(seconds{1}, at.note()));
  at.consumer("same", {.queue = {"other"}}, testing::waiting_kind(seconds{5}, at.note()));
  at.start();
  const auto tasks = [&] {
    std::map<std::string, std::uint64_t> found;
    for (const auto& task : at.loop.tasks()) found[task.name] = task.id.value();
    return found;
  };
  const auto before = tasks();
  at.change({.consumers = {at.settings_of("changed", {.queue = {"work"}}, testing::quick_kind(at.note()))}});
  at.loop.advance(seconds{1});
  CHECK(at.applied == true);
  const auto later = tasks();
  CHECK(later.at("same#1") == before.at("same#1"));
  CHECK(later.at("ticks") == before.at("ticks"));
  CHECK(later.at("changed#1") != before.at("changed#1"));
  CHECK(at.levels("other").reserved == 1);
  at.loop.advance(seconds{4});
  CHECK(at.outcomes(1, outcome::ok) == 1);
  CHECK(at.levels("third").ready == 6);
}

TEST_CASE("when patience is over, jobs of a changed consumer become ready again and go to the new one") {
  changing at;
  at.put(at.queue("work"), "a");
  at.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(hours{1}, at.note_as("old")));
  at.start();
  at.change({.consumers = {at.settings_of("slow", {.queue = {"work"}}, testing::quick_kind(at.note_as("new")))}},
            seconds{2});
  at.loop.advance(seconds{2} - nanoseconds{1});
  CHECK_FALSE(at.applied);
  at.loop.advance(nanoseconds{1});
  CHECK(at.applied == true);
  CHECK(at.seen == texts{"new:a"});
  CHECK(at.outcomes(0, outcome::cancelled) == 1);
  CHECK(at.outcomes(0, outcome::ok) == 1);
}

TEST_CASE("an added consumer begins at once, and a removed one takes no further job") {
  changing at;
  const auto work = at.queue("work");
  at.put(work, "1");
  at.put(work, "2");
  at.consumer("old", {.queue = {"work"}}, testing::waiting_kind(seconds{5}, at.note_as("old")));
  at.start();
  at.change({.removed_consumers = {"old"},
             .consumers = {at.settings_of("new", {.queue = {"work"}}, testing::quick_kind(at.note_as("new")))}});
  CHECK(at.seen == texts{"new:2"});
  CHECK_FALSE(at.applied);
  at.loop.advance(seconds{5});
  CHECK(at.applied == true);
  at.put(work, "3");
  at.loop.run_ready();
  CHECK(at.seen == texts{"new:2", "old:1", "new:3"});
}

TEST_CASE("the counts of a removed consumer stay for the linger, and continue when it returns") {
  changing at{{.metrics_linger = minutes{1}}};
  const auto work = at.queue("work");
  at.put(work, "1");
  at.consumer("c", {.queue = {"work"}}, testing::quick_kind(at.note()));
  at.start();
  const auto& counts = at.jobs.consumers();
  at.change({.removed_consumers = {"c"}});
  REQUIRE(counts.size() == 1);
  CHECK(counts[0]->concurrency == 0);
  at.loop.advance(minutes{1} - nanoseconds{1});
  CHECK(at.jobs.is_shown(counts[0]->removed_at, at.loop.now()));

  at.change({.consumers = {at.settings_of("c", {.queue = {"work"}}, testing::quick_kind(at.note()))}});
  at.put(work, "2");
  at.loop.run_ready();
  REQUIRE(counts.size() == 1);
  CHECK(at.outcomes(0, outcome::ok) == 2);
  CHECK(at.jobs.is_shown(counts[0]->removed_at, at.loop.now()));

  at.change({.removed_consumers = {"c"}});
  at.loop.advance(minutes{1});
  CHECK_FALSE(at.jobs.is_shown(counts[0]->removed_at, at.loop.now()));
  at.change({});
  CHECK(counts.empty());
}

TEST_CASE("no job is lost or done twice while consumers change again and again") {
  changing at;
  const auto work = at.queue("work");
  at.queue("done");
  constexpr int rounds = 200;
  constexpr std::size_t jobs_put = 5 * std::size_t{rounds};
  at.consumer("slow", {.queue = {"work"}, .concurrency = 3, .output = "done"},
              testing::waiting_kind(milliseconds{7}, at.note()));
  at.consumer("quick", {.queue = {"work"}, .output = "done"}, testing::quick_kind(at.note()));
  at.start();
  for (int round = 0; round < rounds; ++round) {
    for (int job = 0; job < 5; ++job) at.put(work, std::to_string(round * 5 + job));
    const auto concurrency = static_cast<std::uint32_t>(1 + round % 4);
    at.change(
        {.consumers = {at.settings_of("slow", {.queue = {"work"}, .concurrency = concurrency, .output = "done"},
                                      testing::waiting_kind(milliseconds{round % 11}, at.note())),
                       at.settings_of("quick", {.queue = {"work"}, .output = "done"}, testing::quick_kind(at.note()))}},
        milliseconds{round % 13});
    at.loop.advance(milliseconds{13});
    REQUIRE(at.applied == true);
  }
  at.loop.advance(seconds{1});
  CHECK(at.levels("done").ready == jobs_put);
  CHECK(at.levels("work").jobs() == 0);
  std::vector<std::string> bodies(at.seen);
  std::ranges::sort(bodies);
  bodies.erase(std::unique(bodies.begin(), bodies.end()), bodies.end());
  CHECK(bodies.size() == jobs_put);
  CHECK(at.jobs.consumers()[0]->active + at.jobs.consumers()[1]->active == 0);
}

TEST_CASE("a drain during a change ends everything, and the change says that it was not completed") {
  changing at;
  at.put(at.queue("work"), "a");
  at.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{5}, at.note()));
  at.start();
  at.change({.consumers = {at.settings_of("slow", {.queue = {"work"}}, testing::quick_kind(at.note()))}});
  at.drain(seconds{30});
  at.loop.advance(seconds{5});
  CHECK(at.applied == false);
  CHECK(at.drained == std::size_t{0});
  CHECK(at.seen == texts{"a"});
}

TEST_CASE("a drain that ends in the middle of a change gives jobs back") {
  changing at;
  at.put(at.queue("work"), "a");
  at.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{50}, at.note()));
  at.start();
  at.change({.consumers = {at.settings_of("slow", {.queue = {"work"}}, testing::quick_kind(at.note()))}}, hours{1});
  at.drain(seconds{2});
  at.loop.advance(seconds{2});
  CHECK(at.drained == std::size_t{1});
  CHECK(at.applied == false);
  CHECK(at.levels("work").ready == 1);
}

TEST_CASE("a drain that begins while a change ends producers and consumers waits for all of them") {
  changing at;
  for (const auto* const name : {"first", "second", "third"}) {
    at.producer(name, {.queue = "work", .rate = 1}, testing::endless_source());
    at.consumer(name, {.queue = {"other"}}, testing::waiting_kind(seconds{1}, at.note()));
  }
  at.start();
  const auto removed = GENERATE(testing::wanted{.removed_producers = {"first"}},
                                testing::wanted{.removed_producers = {"second", "third"}},
                                testing::wanted{.removed_consumers = {"first"}});
  at.begin_change(removed);
  at.drain(seconds{30});
  at.loop.run_ready();
  CHECK(at.applied == false);
  CHECK(at.drained == std::size_t{0});
  for (const auto& producer : at.jobs.producers()) CHECK(producer->ended);
}

TEST_CASE("two tasks may wait for the end of the workload") {
  changing at;
  at.producer("first", {.queue = "work", .rate = 1}, testing::endless_source());
  at.producer("second", {.queue = "work", .rate = 1}, testing::endless_source());
  at.start();
  at.drain(seconds{30});
  at.scope.spawn("join", at.jobs.join());
  at.loop.run_ready();
  CHECK(at.drained == std::size_t{0});
}

TEST_CASE("a source that cannot be made changes nothing and is named") {
  changing at;
  at.producer("first", {.queue = "work", .rate = 1}, testing::endless_source());
  at.start();
  sources::kind broken{"broken", "", &testing::no_option_table(),
                       [](const void*, const sources::source_context&) -> result<std::unique_ptr<sources::source>> {
                         return error{errc::io, "no such file"};
                       }};
  auto other = at.producers[0];
  other.kind = &broken;
  const auto prepared = at.jobs.prepare(testing::wanted{.producers = {other}}.whole(), {at.loop}, {at.loop, at.output});
  REQUIRE(prepared.has_error());
  CHECK(prepared.error().text == "producers.first: no such file");
  at.loop.advance(seconds{3});
  CHECK(at.levels("work").ready == 4);
}

TEST_CASE("in sequence the order goes over changed, added and unchanged consumers") {
  changing at{{.run_mode = workload::mode::sequential}};
  const auto one = at.queue("one");
  const auto two = at.queue("two");
  at.queue("three");
  at.put(one, "a");
  at.consumer("first", {.queue = {"one"}}, testing::waiting_kind(seconds{1}, at.note_as("first")));
  at.consumer("second", {.queue = {"two"}}, testing::waiting_kind(seconds{1}, at.note_as("second")));
  at.start();
  at.put(two, "b");
  at.change(
      {.consumers = {
           at.settings_of("first", {.queue = {"one"}}, testing::waiting_kind(seconds{1}, at.note_as("changed"))),
           at.settings_of("third", {.queue = {"three"}}, testing::waiting_kind(seconds{1}, at.note_as("third")))}});
  at.put(at.queue("three"), "c");
  at.put(one, "d");
  at.loop.advance(seconds{10});
  CHECK(at.applied == true);
  CHECK(at.seen == texts{"first:a", "second:b", "third:c", "changed:d"});
}

TEST_CASE("in sequence a consumer that is removed gets no job that comes later") {
  changing at{{.run_mode = workload::mode::sequential}};
  const auto one = at.queue("one");
  const auto two = at.queue("two");
  at.consumer("stays", {.queue = {"one"}}, testing::quick_kind(at.note_as("stays")));
  at.consumer("goes", {.queue = {"two"}}, testing::quick_kind(at.note_as("goes")));
  at.start();
  at.change({.removed_consumers = {"goes"}});
  at.put(two, "a");
  at.loop.run_ready();
  at.put(one, "b");
  at.loop.run_ready();
  CHECK(at.applied == true);
  CHECK(at.seen == texts{"stays:b"});
  CHECK(at.levels("two").ready == 1);
}

TEST_CASE("in sequence a consumer that is removed while the body of its job is read gives the job back") {
  testing::manual_store disk;
  engine::engine_options limits;
  limits.body_memory_max = 0;
  changing at{{.run_mode = workload::mode::sequential}, loop::clock_kind::manual, &disk, limits};
  at.put(at.queue("one", {.durability = engine::durability::sync}), "a");
  disk.commit_all();
  at.consumer("goes", {.queue = {"one"}}, testing::quick_kind(at.note_as("goes")));
  const bool another_stays = GENERATE(true, false);
  if (another_stays) at.consumer("stays", {.queue = {"two"}}, testing::quick_kind(at.note_as("stays")));
  at.start();
  REQUIRE(at.levels("one").ready == 0);
  at.change({.removed_consumers = {"goes"}});
  CHECK(at.applied == true);
  CHECK(at.levels("one").ready == 1);
  disk.read_wanted_bodies();
  at.loop.run_ready();
  CHECK(at.seen.empty());
}

TEST_CASE("in sequence consumers go on when only producers change") {
  changing at{{.run_mode = workload::mode::sequential}};
  const auto work = at.queue("work");
  at.consumer("stays", {.queue = {"work"}}, testing::waiting_kind(seconds{1}, at.note()));
  at.start();
  at.put(work, "before");
  at.loop.run_ready();
  at.change({.producers = {at.settings_of("two", {.queue = "work"}, testing::numbers_to(2))}});
  at.loop.advance(seconds{1});
  CHECK(at.applied == true);
  at.loop.advance(seconds{2});
  CHECK(at.seen == texts{"before", "1", "2"});
}

TEST_CASE("a run until idle goes on while consumers change") {
  changing at;
  at.put(at.queue("work"), "a");
  at.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{5}, at.note()));
  at.start();
  at.watch_idle();
  at.change({.consumers = {at.settings_of("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{5}, at.note()))}},
            seconds{1});
  at.loop.advance(seconds{1});
  CHECK(at.applied == true);
  CHECK_FALSE(at.idle);
  at.loop.advance(seconds{5});
  CHECK(at.idle);
}
