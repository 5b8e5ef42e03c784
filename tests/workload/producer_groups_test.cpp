// Producers whose jobs are groups, and producers that begin after others.

#include "support/catch.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using engine::group_end;
using engine::remaining_members;
using testing::workload_fixture;

namespace {

handlers::answer unchanged(const handlers::job&) { return std::nullopt; }

workload::producer_options grouped(std::string queue, workload::producer_group_options group) {
  workload::producer_options options{.queue = std::move(queue)};
  options.group = std::move(group);
  return options;
}
workload::producer_options after_others(std::string queue, std::vector<std::string> names) {
  workload::producer_options options{.queue = std::move(queue)};
  options.after = std::move(names);
  return options;
}

std::string outcome_in(workload_fixture& fixture, std::string_view queue) {
  const auto first = fixture.broker.engine().first_ready(*fixture.broker.find(queue));
  return first ? std::string{first->content.view()} : "-";
}

}  // namespace

TEST_CASE("the jobs of a run of a producer are a group, and its outcome has their results") {
  workload_fixture fixture;
  fixture.producer("import", grouped("q", {.then = "out"}), testing::numbers_to(2));
  fixture.consumer("double", {.queue = {"q"}}, testing::quick_kind([](const handlers::job& work) -> handlers::answer {
                     return "done " + std::string{work.content.view()};
                   }));
  fixture.start();
  CHECK(outcome_in(fixture, "out") ==
        R"({"group":"import","id":1,"ended":"all","jobs":2,"ok":2,"members":[)"
        R"({"id":1,"outcome":"ok","text":"done 1"},{"id":2,"outcome":"ok","text":"done 2"}]})");
}

TEST_CASE("a run without jobs has no group") {
  workload_fixture fixture;
  fixture.queue("out");
  fixture.producer("import", grouped("q", {.then = "out"}), testing::numbers_to(0));
  fixture.start();
  CHECK(outcome_in(fixture, "out") == "-");
  CHECK(fixture.broker.engine().groups_completed() == 0);
}

TEST_CASE("a producer whose group has ended and cancels puts no further job") {
  workload_fixture fixture;
  fixture.queue("q", {.max_jobs = 3});
  fixture.producer("race",
                   grouped("q", {.then = "out", .when = group_end::first, .remaining = remaining_members::cancel}),
                   testing::numbers_to(1'000));
  fixture.consumer("first", {.queue = {"q"}}, testing::quick_kind(unchanged));
  fixture.start();
  CHECK(fixture.jobs.producers()[0]->ended);
  CHECK(fixture.jobs.producers()[0]->jobs.value() < 1'000);
  CHECK(fixture.levels("q").jobs() == 0);
  CHECK(outcome_in(fixture, "out").find(R"("ended":"first")") != std::string::npos);
}

TEST_CASE("a producer with `after` begins when the other one and all of its jobs have ended") {
  workload_fixture fixture;
  fixture.producer("one", {.queue = "q"}, testing::numbers_to(2));
  fixture.producer("two", after_others("q", {"one"}), testing::source_of({std::string{"last"}}));
  fixture.consumer("slow", {.queue = {"q"}}, testing::waiting_kind(seconds{1}, fixture.note()));
  fixture.start();
  CHECK(fixture.jobs.producers()[0]->ended);
  CHECK_FALSE(fixture.jobs.producers()[1]->ended);
  fixture.loop.advance(seconds{1});
  CHECK(fixture.jobs.producers()[1]->jobs.value() == 0);
  fixture.loop.advance(seconds{1});
  CHECK(fixture.jobs.producers()[1]->ended);
  fixture.loop.advance(seconds{1});
  CHECK(fixture.seen == std::vector<std::string>{"1", "2", "last"});
}

TEST_CASE("a producer with `after` waits for the retries of the jobs of the other one") {
  workload_fixture fixture;
  engine::queue_options retried;
  retried.retry = {.attempts = 2, .first = seconds{10}, .jitter = 0};
  fixture.queue("q", retried);
  fixture.producer("one", {.queue = "q"}, testing::numbers_to(1));
  fixture.producer("two", after_others("out", {"one"}), testing::numbers_to(1));
  fixture.consumer("failing", {.queue = {"q"}},
                   testing::quick_kind([](const handlers::job&) -> handlers::answer { return invalid("no"); }));
  fixture.start();
  CHECK(fixture.levels("q").delayed == 1);
  CHECK_FALSE(fixture.jobs.producers()[1]->ended);
  fixture.loop.advance(seconds{10});
  CHECK(fixture.levels("q").buried == 1);
  CHECK(fixture.levels("out").ready == 1);
}

TEST_CASE("the time of `for` begins after the other producers") {
  workload_fixture fixture;
  fixture.producer("one", {.queue = "q"}, testing::numbers_to(1));
  auto options = after_others("out", {"one"});
  options.run_for = seconds{5};
  options.rate = 1;
  fixture.producer("two", options, testing::endless_source());
  fixture.consumer("slow", {.queue = {"q"}}, testing::waiting_kind(seconds{10}, unchanged));
  fixture.start();
  fixture.loop.advance(seconds{10});
  CHECK_FALSE(fixture.jobs.producers()[1]->ended);
  for (int n = 0; n < 5; ++n) fixture.loop.advance(seconds{1});
  CHECK(fixture.jobs.producers()[1]->ended);
  CHECK(fixture.levels("out").ready == 5);
}

TEST_CASE("a producer that waits for others is not idle, and ends with the workload") {
  workload_fixture fixture;
  fixture.producer("one", {.queue = "q"}, testing::numbers_to(1));
  fixture.producer("two", after_others("out", {"one"}), testing::numbers_to(1));
  fixture.start();
  fixture.watch_idle();
  fixture.loop.run_ready();
  CHECK_FALSE(fixture.idle);
  CHECK_FALSE(fixture.jobs.held_by_full_queues());
  fixture.jobs.stop();
  fixture.loop.run_ready();
  CHECK(fixture.idle);
}
