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
  changing fixture;
  const auto work = fixture.queue("work");
  for (const auto* const body : {"1", "2"}) fixture.put(work, body);
  fixture.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{5}, fixture.note_as("old")));
  fixture.start();
  fixture.change({.consumers = {fixture.settings_of("slow", {.queue = {"work"}, .concurrency = 2},
                                                    testing::waiting_kind(seconds{1}, fixture.note_as("new")))}});
  fixture.loop.advance(seconds{4});
  CHECK_FALSE(fixture.applied);
  CHECK(fixture.levels("work").reserved == 1);
  fixture.loop.advance(seconds{1});
  CHECK(fixture.applied == true);
  CHECK(fixture.jobs.consumers()[0]->concurrency == 2);
  fixture.loop.advance(seconds{1});

  CHECK(fixture.seen == texts{"old:1", "new:2"});
  CHECK(fixture.jobs.consumers().size() == 1);
  CHECK(fixture.outcomes(0, outcome::ok) == 2);
  CHECK(fixture.outcomes(0, outcome::cancelled) == 0);
}

TEST_CASE("consumers and producers that are not in the change do not notice it") {
  changing fixture;
  fixture.put(fixture.queue("work"), "a");
  fixture.put(fixture.queue("other"), "b");
  fixture.producer("ticks", {.queue = "third", .rate = 1}, testing::endless_source());
  fixture.consumer("changed", {.queue = {"work"}}, testing::waiting_kind(seconds{1}, fixture.note()));
  fixture.consumer("same", {.queue = {"other"}}, testing::waiting_kind(seconds{5}, fixture.note()));
  fixture.start();
  const auto tasks = [&] {
    std::map<std::string, std::uint64_t> found;
    for (const auto& task : fixture.loop.tasks()) found[task.name] = task.id.value();
    return found;
  };
  const auto before = tasks();
  fixture.change(
      {.consumers = {fixture.settings_of("changed", {.queue = {"work"}}, testing::quick_kind(fixture.note()))}});
  fixture.loop.advance(seconds{1});
  CHECK(fixture.applied == true);
  const auto later = tasks();
  CHECK(later.at("same#1") == before.at("same#1"));
  CHECK(later.at("ticks") == before.at("ticks"));
  CHECK(later.at("changed#1") != before.at("changed#1"));
  CHECK(fixture.levels("other").reserved == 1);
  fixture.loop.advance(seconds{4});
  CHECK(fixture.outcomes(1, outcome::ok) == 1);
  CHECK(fixture.levels("third").ready == 6);
}

TEST_CASE("when patience is over, jobs of a changed consumer become ready again and go to the new one") {
  changing fixture;
  fixture.put(fixture.queue("work"), "a");
  fixture.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(hours{1}, fixture.note_as("old")));
  fixture.start();
  fixture.change(
      {.consumers = {fixture.settings_of("slow", {.queue = {"work"}}, testing::quick_kind(fixture.note_as("new")))}},
      seconds{2});
  fixture.loop.advance(seconds{2} - nanoseconds{1});
  CHECK_FALSE(fixture.applied);
  fixture.loop.advance(nanoseconds{1});
  CHECK(fixture.applied == true);
  CHECK(fixture.seen == texts{"new:a"});
  CHECK(fixture.outcomes(0, outcome::cancelled) == 1);
  CHECK(fixture.outcomes(0, outcome::ok) == 1);
}

TEST_CASE("an added consumer begins at once, and a removed one takes no further job") {
  changing fixture;
  const auto work = fixture.queue("work");
  fixture.put(work, "1");
  fixture.put(work, "2");
  fixture.consumer("old", {.queue = {"work"}}, testing::waiting_kind(seconds{5}, fixture.note_as("old")));
  fixture.start();
  fixture.change(
      {.removed_consumers = {"old"},
       .consumers = {fixture.settings_of("new", {.queue = {"work"}}, testing::quick_kind(fixture.note_as("new")))}});
  CHECK(fixture.seen == texts{"new:2"});
  CHECK_FALSE(fixture.applied);
  fixture.loop.advance(seconds{5});
  CHECK(fixture.applied == true);
  fixture.put(work, "3");
  fixture.loop.run_ready();
  CHECK(fixture.seen == texts{"new:2", "old:1", "new:3"});
}

TEST_CASE("the counts of a removed consumer stay for the linger, and continue when it returns") {
  changing fixture{{.metrics_linger = minutes{1}}};
  const auto work = fixture.queue("work");
  fixture.put(work, "1");
  fixture.consumer("c", {.queue = {"work"}}, testing::quick_kind(fixture.note()));
  fixture.start();
  const auto& counts = fixture.jobs.consumers();
  fixture.change({.removed_consumers = {"c"}});
  REQUIRE(counts.size() == 1);
  CHECK(counts[0]->concurrency == 0);
  fixture.loop.advance(minutes{1} - nanoseconds{1});
  CHECK(fixture.jobs.is_shown(counts[0]->removed_at, fixture.loop.now()));

  fixture.change({.consumers = {fixture.settings_of("c", {.queue = {"work"}}, testing::quick_kind(fixture.note()))}});
  fixture.put(work, "2");
  fixture.loop.run_ready();
  REQUIRE(counts.size() == 1);
  CHECK(fixture.outcomes(0, outcome::ok) == 2);
  CHECK(fixture.jobs.is_shown(counts[0]->removed_at, fixture.loop.now()));

  fixture.change({.removed_consumers = {"c"}});
  fixture.loop.advance(minutes{1});
  CHECK_FALSE(fixture.jobs.is_shown(counts[0]->removed_at, fixture.loop.now()));
  fixture.change({});
  CHECK(counts.empty());
}

TEST_CASE("no job is lost or done twice while consumers change again and again") {
  changing fixture;
  const auto work = fixture.queue("work");
  fixture.queue("done");
  constexpr int rounds = 200;
  constexpr std::size_t jobs_put = 5 * std::size_t{rounds};
  fixture.consumer("slow", {.queue = {"work"}, .concurrency = 3, .output = "done"},
                   testing::waiting_kind(milliseconds{7}, fixture.note()));
  fixture.consumer("quick", {.queue = {"work"}, .output = "done"}, testing::quick_kind(fixture.note()));
  fixture.start();
  for (int round = 0; round < rounds; ++round) {
    for (int job = 0; job < 5; ++job) fixture.put(work, std::to_string(round * 5 + job));
    const auto concurrency = static_cast<std::uint32_t>(1 + round % 4);
    fixture.change(
        {.consumers = {fixture.settings_of("slow", {.queue = {"work"}, .concurrency = concurrency, .output = "done"},
                                           testing::waiting_kind(milliseconds{round % 11}, fixture.note())),
                       fixture.settings_of("quick", {.queue = {"work"}, .output = "done"},
                                           testing::quick_kind(fixture.note()))}},
        milliseconds{round % 13});
    fixture.loop.advance(milliseconds{13});
    REQUIRE(fixture.applied == true);
  }
  fixture.loop.advance(seconds{1});
  CHECK(fixture.levels("done").ready == jobs_put);
  CHECK(fixture.levels("work").jobs() == 0);
  std::vector<std::string> bodies(fixture.seen);
  std::ranges::sort(bodies);
  bodies.erase(std::unique(bodies.begin(), bodies.end()), bodies.end());
  CHECK(bodies.size() == jobs_put);
  CHECK(fixture.jobs.consumers()[0]->active + fixture.jobs.consumers()[1]->active == 0);
}

TEST_CASE("a drain during a change ends everything, and the change says that it was not completed") {
  changing fixture;
  fixture.put(fixture.queue("work"), "a");
  fixture.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{5}, fixture.note()));
  fixture.start();
  fixture.change(
      {.consumers = {fixture.settings_of("slow", {.queue = {"work"}}, testing::quick_kind(fixture.note()))}});
  fixture.drain(seconds{30});
  fixture.loop.advance(seconds{5});
  CHECK(fixture.applied == false);
  CHECK(fixture.drained == std::size_t{0});
  CHECK(fixture.seen == texts{"a"});
}

TEST_CASE("a drain that ends in the middle of a change gives jobs back") {
  changing fixture;
  fixture.put(fixture.queue("work"), "a");
  fixture.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{50}, fixture.note()));
  fixture.start();
  fixture.change({.consumers = {fixture.settings_of("slow", {.queue = {"work"}}, testing::quick_kind(fixture.note()))}},
                 hours{1});
  fixture.drain(seconds{2});
  fixture.loop.advance(seconds{2});
  CHECK(fixture.drained == std::size_t{1});
  CHECK(fixture.applied == false);
  CHECK(fixture.levels("work").ready == 1);
}

TEST_CASE("a drain that begins while a change ends producers and consumers waits for all of them") {
  changing fixture;
  for (const auto* const name : {"first", "second", "third"}) {
    fixture.producer(name, {.queue = "work", .rate = 1}, testing::endless_source());
    fixture.consumer(name, {.queue = {"other"}}, testing::waiting_kind(seconds{1}, fixture.note()));
  }
  fixture.start();
  const auto removed = GENERATE(testing::wanted{.removed_producers = {"first"}},
                                testing::wanted{.removed_producers = {"second", "third"}},
                                testing::wanted{.removed_consumers = {"first"}});
  fixture.begin_change(removed);
  fixture.drain(seconds{30});
  fixture.loop.run_ready();
  CHECK(fixture.applied == false);
  CHECK(fixture.drained == std::size_t{0});
  for (const auto& producer : fixture.jobs.producers()) CHECK(producer->ended);
}

TEST_CASE("two tasks may wait for the end of the workload") {
  changing fixture;
  fixture.producer("first", {.queue = "work", .rate = 1}, testing::endless_source());
  fixture.producer("second", {.queue = "work", .rate = 1}, testing::endless_source());
  fixture.start();
  fixture.drain(seconds{30});
  fixture.scope.spawn("join", fixture.jobs.join());
  fixture.loop.run_ready();
  CHECK(fixture.drained == std::size_t{0});
}

TEST_CASE("a producer starts again when the producers that it comes after change") {
  changing fixture;
  fixture.producer("first", {.queue = "work", .limit = 1}, testing::endless_source());
  fixture.producer("second", {.queue = "work", .rate = 1}, testing::endless_source());
  fixture.start();
  auto later = fixture.producers[1];
  later.common.after = {"first"};
  const auto prepared = fixture.jobs.prepare(testing::wanted{.producers = {later}}.whole(), {fixture.loop},
                                             {fixture.loop, fixture.output});
  REQUIRE(prepared.has_value());
  CHECK(prepared->producers[0].source != nullptr);
}

TEST_CASE("a source that cannot be made changes nothing and is named") {
  changing fixture;
  fixture.producer("first", {.queue = "work", .rate = 1}, testing::endless_source());
  fixture.start();
  sources::kind broken{"broken", "", &testing::no_option_table(),
                       [](const void*, const sources::source_context&) -> result<std::unique_ptr<sources::source>> {
                         return error{errc::io, "no such file"};
                       }};
  auto other = fixture.producers[0];
  other.kind = &broken;
  const auto prepared = fixture.jobs.prepare(testing::wanted{.producers = {other}}.whole(), {fixture.loop},
                                             {fixture.loop, fixture.output});
  REQUIRE(prepared.has_error());
  CHECK(prepared.error().text == "producers.first: no such file");
  fixture.loop.advance(seconds{3});
  CHECK(fixture.levels("work").ready == 4);
}

TEST_CASE("in sequence the order goes over changed, added and unchanged consumers") {
  changing fixture{{.run_mode = workload::mode::sequential}};
  const auto one = fixture.queue("one");
  const auto two = fixture.queue("two");
  fixture.queue("three");
  fixture.put(one, "a");
  fixture.consumer("first", {.queue = {"one"}}, testing::waiting_kind(seconds{1}, fixture.note_as("first")));
  fixture.consumer("second", {.queue = {"two"}}, testing::waiting_kind(seconds{1}, fixture.note_as("second")));
  fixture.start();
  fixture.put(two, "b");
  fixture.change({.consumers = {fixture.settings_of("first", {.queue = {"one"}},
                                                    testing::waiting_kind(seconds{1}, fixture.note_as("changed"))),
                                fixture.settings_of("third", {.queue = {"three"}},
                                                    testing::waiting_kind(seconds{1}, fixture.note_as("third")))}});
  fixture.put(fixture.queue("three"), "c");
  fixture.put(one, "d");
  fixture.loop.advance(seconds{10});
  CHECK(fixture.applied == true);
  CHECK(fixture.seen == texts{"first:a", "second:b", "third:c", "changed:d"});
}

TEST_CASE("in sequence a consumer that is removed gets no job that comes later") {
  changing fixture{{.run_mode = workload::mode::sequential}};
  const auto one = fixture.queue("one");
  const auto two = fixture.queue("two");
  fixture.consumer("stays", {.queue = {"one"}}, testing::quick_kind(fixture.note_as("stays")));
  fixture.consumer("goes", {.queue = {"two"}}, testing::quick_kind(fixture.note_as("goes")));
  fixture.start();
  fixture.change({.removed_consumers = {"goes"}});
  fixture.put(two, "a");
  fixture.loop.run_ready();
  fixture.put(one, "b");
  fixture.loop.run_ready();
  CHECK(fixture.applied == true);
  CHECK(fixture.seen == texts{"stays:b"});
  CHECK(fixture.levels("two").ready == 1);
}

TEST_CASE("in sequence a consumer that is removed while the body of its job is read gives the job back") {
  testing::manual_store disk;
  engine::engine_options limits;
  limits.body_memory_max = 0;
  changing fixture{{.run_mode = workload::mode::sequential}, loop::clock_kind::manual, &disk, limits};
  fixture.put(fixture.queue("one", {.durability = engine::durability::sync}), "a");
  disk.commit_all();
  fixture.consumer("goes", {.queue = {"one"}}, testing::quick_kind(fixture.note_as("goes")));
  const bool another_stays = GENERATE(true, false);
  if (another_stays) fixture.consumer("stays", {.queue = {"two"}}, testing::quick_kind(fixture.note_as("stays")));
  fixture.start();
  REQUIRE(fixture.levels("one").ready == 0);
  fixture.change({.removed_consumers = {"goes"}});
  CHECK(fixture.applied == true);
  CHECK(fixture.levels("one").ready == 1);
  disk.read_wanted_bodies();
  fixture.loop.run_ready();
  CHECK(fixture.seen.empty());
}

TEST_CASE("in sequence consumers go on when only producers change") {
  changing fixture{{.run_mode = workload::mode::sequential}};
  const auto work = fixture.queue("work");
  fixture.consumer("stays", {.queue = {"work"}}, testing::waiting_kind(seconds{1}, fixture.note()));
  fixture.start();
  fixture.put(work, "before");
  fixture.loop.run_ready();
  fixture.change({.producers = {fixture.settings_of("two", {.queue = "work"}, testing::numbers_to(2))}});
  fixture.loop.advance(seconds{1});
  CHECK(fixture.applied == true);
  fixture.loop.advance(seconds{2});
  CHECK(fixture.seen == texts{"before", "1", "2"});
}

TEST_CASE("a run until idle goes on while consumers change") {
  changing fixture;
  fixture.put(fixture.queue("work"), "a");
  fixture.consumer("slow", {.queue = {"work"}}, testing::waiting_kind(seconds{5}, fixture.note()));
  fixture.start();
  fixture.watch_idle();
  fixture.change({.consumers = {fixture.settings_of("slow", {.queue = {"work"}},
                                                    testing::waiting_kind(seconds{5}, fixture.note()))}},
                 seconds{1});
  fixture.loop.advance(seconds{1});
  CHECK(fixture.applied == true);
  CHECK_FALSE(fixture.idle);
  fixture.loop.advance(seconds{5});
  CHECK(fixture.idle);
}
