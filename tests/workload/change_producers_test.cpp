#include "support/catch.hpp"
#include "workload/changing_workload.hpp"

using namespace millrace;
using testing::changing;
using texts = std::vector<std::string>;

TEST_CASE("a producer whose rate changes goes on with its source, without waiting for the old rate") {
  changing fixture;
  fixture.producer("numbers", {.queue = "work", .rate = 1e-3}, testing::endless_source());
  fixture.start();
  REQUIRE(fixture.levels("work").ready == 1);
  auto faster = fixture.producers[0];
  faster.common.rate = 10;
  faster.common.priority = 7;
  fixture.change({.producers = {faster}});
  CHECK(fixture.applied == true);
  CHECK(fixture.levels("work").ready == 1);
  fixture.loop.advance(seconds{1});
  CHECK(fixture.levels("work").ready == 11);
  CHECK(fixture.broker.engine().first_ready(*fixture.broker.find("work"))->content.view() == "2");
  CHECK(fixture.jobs.producers()[0]->jobs.value() == 11);
}

TEST_CASE("the body of a producer that waits for capacity is put although its settings change") {
  changing fixture;
  fixture.queue("work", {.max_jobs = 1});
  fixture.producer("three", {.queue = "work"}, testing::numbers_to(3));
  fixture.start();
  REQUIRE(fixture.jobs.held_producers().active() == 1);
  auto other = fixture.producers[0];
  other.common.ttr = seconds{9};
  fixture.change({.producers = {other}});
  fixture.consumer("c", {.queue = {"work"}}, testing::quick_kind(fixture.note()));
  fixture.change({.consumers = {fixture.consumers.back()}});
  fixture.loop.run_ready();
  CHECK(fixture.seen == texts{"1", "2", "3"});
}

TEST_CASE("a limit that changes counts the bodies that were put before") {
  changing fixture;
  fixture.producer("numbers", {.queue = "work", .rate = 1, .limit = 5}, testing::endless_source());
  fixture.start();
  fixture.loop.advance(seconds{2});
  REQUIRE(fixture.levels("work").ready == 3);
  auto other = fixture.producers[0];
  other.common.limit = 4;
  fixture.change({.producers = {other}});
  fixture.loop.advance(seconds{10});
  CHECK(fixture.levels("work").ready == 4);
  CHECK(fixture.jobs.producers()[0]->ended);
}

TEST_CASE("a producer that has ended stays ended when only its pace changes") {
  changing fixture;
  fixture.producer("three", {.queue = "work"}, testing::numbers_to(3));
  fixture.start();
  REQUIRE(fixture.jobs.producers()[0]->ended);
  auto other = fixture.producers[0];
  other.common.priority = 9;
  fixture.change({.producers = {other}});
  fixture.loop.advance(seconds{1});
  CHECK(fixture.levels("work").ready == 3);
}

TEST_CASE("a producer with another source or queue begins anew, an added one starts, a removed one ends") {
  changing fixture;
  fixture.queue("elsewhere");
  fixture.producer("moved", {.queue = "work", .rate = 1}, testing::endless_source());
  fixture.producer("removed", {.queue = "work", .rate = 1}, testing::endless_source());
  fixture.start();
  auto moved = fixture.producers[0];
  moved.common.queue = "elsewhere";
  fixture.change({.removed_producers = {"removed"},
                  .producers = {moved, fixture.settings_of("added", {.queue = "added"}, testing::numbers_to(2))}});
  CHECK(fixture.applied == true);
  fixture.loop.advance(seconds{1});
  CHECK(fixture.levels("work").ready == 2);
  CHECK(fixture.levels("elsewhere").ready == 2);
  CHECK(fixture.levels("added").ready == 2);
  CHECK(fixture.jobs.producers()[1]->ended);
  CHECK_FALSE(fixture.jobs.producers()[0]->ended);
}
