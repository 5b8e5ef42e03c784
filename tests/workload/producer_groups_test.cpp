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

std::string outcome_in(workload_fixture& at, std::string_view queue) {
  const auto first = at.broker.engine().first_ready(*at.broker.find(queue));
  return first ? std::string{first->content.view()} : "-";
}

}  // namespace

TEST_CASE("the jobs of a run of a producer are a group, and its outcome has their results") {
  workload_fixture at;
  at.producer("import", grouped("q", {.then = "out"}), testing::numbers_to(2));
  at.consumer("double", {.queue = {"q"}}, testing::quick_kind([](const handlers::job& work) -> handlers::answer {
                return "done " + std::string{work.content.view()};
              }));
  at.start();
  CHECK(outcome_in(at, "out") ==
        R"({"group":"import","id":1,"ended":"all","jobs":2,"ok":2,"members":[)"
        R"({"id":1,"outcome":"ok","text":"done 1"},{"id":2,"outcome":"ok","text":"done 2"}]})");
}

TEST_CASE("a run without jobs has no group") {
  workload_fixture at;
  at.queue("out");
  at.producer("import", grouped("q", {.then = "out"}), testing::numbers_to(0));
  at.start();
  CHECK(outcome_in(at, "out") == "-");
  CHECK(at.broker.engine().groups_completed() == 0);
}

TEST_CASE("a producer whose group has ended and cancels puts no further job") {
  workload_fixture at;
  at.queue("q", {.max_jobs = 3});
  at.producer("race", grouped("q", {.then = "out", .when = group_end::first, .remaining = remaining_members::cancel}),
              testing::numbers_to(1'000));
  at.consumer("first", {.queue = {"q"}}, testing::quick_kind(unchanged));
  at.start();
  CHECK(at.jobs.producers()[0]->ended);
  CHECK(at.jobs.producers()[0]->jobs.value() < 1'000);
  CHECK(at.levels("q").jobs() == 0);
  CHECK(outcome_in(at, "out").find(R"("ended":"first")") != std::string::npos);
}

TEST_CASE("a producer with `after` begins when the other one and all of its jobs have ended") {
  workload_fixture at;
  at.producer("one", {.queue = "q"}, testing::numbers_to(2));
  at.producer("two", after_others("q", {"one"}), testing::source_of({std::string{"last"}}));
  at.consumer("slow", {.queue = {"q"}}, testing::waiting_kind(seconds{1}, at.note()));
  at.start();
  CHECK(at.jobs.producers()[0]->ended);
  CHECK_FALSE(at.jobs.producers()[1]->ended);
  at.loop.advance(seconds{1});
  CHECK(at.jobs.producers()[1]->jobs.value() == 0);
  at.loop.advance(seconds{1});
  CHECK(at.jobs.producers()[1]->ended);
  at.loop.advance(seconds{1});
  CHECK(at.seen == std::vector<std::string>{"1", "2", "last"});
}

TEST_CASE("a producer with `after` waits for the retries of the jobs of the other one") {
  workload_fixture at;
  engine::queue_options retried;
  retried.retry = {.attempts = 2, .first = seconds{10}, .jitter = 0};
  at.queue("q", retried);
  at.producer("one", {.queue = "q"}, testing::numbers_to(1));
  at.producer("two", after_others("out", {"one"}), testing::numbers_to(1));
  at.consumer("failing", {.queue = {"q"}},
              testing::quick_kind([](const handlers::job&) -> handlers::answer { return invalid("no"); }));
  at.start();
  CHECK(at.levels("q").delayed == 1);
  CHECK_FALSE(at.jobs.producers()[1]->ended);
  at.loop.advance(seconds{10});
  CHECK(at.levels("q").buried == 1);
  CHECK(at.levels("out").ready == 1);
}

TEST_CASE("the time of `for` begins after the other producers") {
  workload_fixture at;
  at.producer("one", {.queue = "q"}, testing::numbers_to(1));
  auto options = after_others("out", {"one"});
  options.run_for = seconds{5};
  options.rate = 1;
  at.producer("two", options, testing::endless_source());
  at.consumer("slow", {.queue = {"q"}}, testing::waiting_kind(seconds{10}, unchanged));
  at.start();
  at.loop.advance(seconds{10});
  CHECK_FALSE(at.jobs.producers()[1]->ended);
  for (int n = 0; n < 5; ++n) at.loop.advance(seconds{1});
  CHECK(at.jobs.producers()[1]->ended);
  CHECK(at.levels("out").ready == 5);
}

TEST_CASE("a producer that waits for others is not idle, and ends with the workload") {
  workload_fixture at;
  at.producer("one", {.queue = "q"}, testing::numbers_to(1));
  at.producer("two", after_others("out", {"one"}), testing::numbers_to(1));
  at.start();
  at.watch_idle();
  at.loop.run_ready();
  CHECK_FALSE(at.idle);
  CHECK_FALSE(at.jobs.held_by_full_queues());
  at.jobs.stop();
  at.loop.run_ready();
  CHECK(at.idle);
}
