#include "support/catch.hpp"
#include "workload/changing_workload.hpp"

using namespace millrace;
using testing::changing;
using texts = std::vector<std::string>;

TEST_CASE("a producer whose rate changes goes on with its source, without waiting for the old rate") {
  changing at;
  at.producer("numbers", {.queue = "work", .rate = 1e-3}, testing::endless_source());
  at.start();
  REQUIRE(at.levels("work").ready == 1);
  auto faster = at.producers[0];
  faster.common.rate = 10;
  faster.common.priority = 7;
  at.change({.producers = {faster}});
  CHECK(at.applied == true);
  CHECK(at.levels("work").ready == 1);
  at.loop.advance(seconds{1});
  CHECK(at.levels("work").ready == 11);
  CHECK(at.broker.engine().first_ready(*at.broker.find("work"))->content.view() == "2");
  CHECK(at.jobs.producers()[0]->jobs.value() == 11);
}

TEST_CASE("the body of a producer that waits for capacity is put although its settings change") {
  changing at;
  at.queue("work", {.max_jobs = 1});
  at.producer("three", {.queue = "work"}, testing::numbers_to(3));
  at.start();
  REQUIRE(at.jobs.held_producers().active() == 1);
  auto other = at.producers[0];
  other.common.ttr = seconds{9};
  at.change({.producers = {other}});
  at.consumer("c", {.queue = {"work"}}, testing::quick_kind(at.note()));
  at.change({.consumers = {at.consumers.back()}});
  at.loop.run_ready();
  CHECK(at.seen == texts{"1", "2", "3"});
}

TEST_CASE("a limit that changes counts the bodies that were put before") {
  changing at;
  at.producer("numbers", {.queue = "work", .rate = 1, .limit = 5}, testing::endless_source());
  at.start();
  at.loop.advance(seconds{2});
  REQUIRE(at.levels("work").ready == 3);
  auto other = at.producers[0];
  other.common.limit = 4;
  at.change({.producers = {other}});
  at.loop.advance(seconds{10});
  CHECK(at.levels("work").ready == 4);
  CHECK(at.jobs.producers()[0]->ended);
}

TEST_CASE("a producer that has ended stays ended when only its pace changes") {
  changing at;
  at.producer("three", {.queue = "work"}, testing::numbers_to(3));
  at.start();
  REQUIRE(at.jobs.producers()[0]->ended);
  auto other = at.producers[0];
  other.common.priority = 9;
  at.change({.producers = {other}});
  at.loop.advance(seconds{1});
  CHECK(at.levels("work").ready == 3);
}

TEST_CASE("a producer with another source or queue begins anew, an added one starts, a removed one ends") {
  changing at;
  at.queue("elsewhere");
  at.producer("moved", {.queue = "work", .rate = 1}, testing::endless_source());
  at.producer("removed", {.queue = "work", .rate = 1}, testing::endless_source());
  at.start();
  auto moved = at.producers[0];
  moved.common.queue = "elsewhere";
  at.change({.removed_producers = {"removed"},
             .producers = {moved, at.settings_of("added", {.queue = "added"}, testing::numbers_to(2))}});
  CHECK(at.applied == true);
  at.loop.advance(seconds{1});
  CHECK(at.levels("work").ready == 2);
  CHECK(at.levels("elsewhere").ready == 2);
  CHECK(at.levels("added").ready == 2);
  CHECK(at.jobs.producers()[1]->ended);
  CHECK_FALSE(at.jobs.producers()[0]->ended);
}
