// The output of a job goes into the next queue in the same change that ends the job.

#include "support/catch.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using engine::outcome;
using testing::workload_fixture;

namespace {

handlers::answer doubled(const handlers::job& work) {
  return std::string{work.content.view()} + std::string{work.content.view()};
}
handlers::answer unchanged(const handlers::job&) { return std::nullopt; }

/// One job in `from`, and `to` full.
void fill(workload_fixture& fixture, engine::overflow when_full) {
  const auto from = fixture.queue("from");
  const auto to = fixture.queue("to", {.max_jobs = 1, .when_full = when_full});
  fixture.put(to, "in the way");
  fixture.put(from, "a");
}

}  // namespace

TEST_CASE("the handler's text goes on, or else the job's body unchanged, with the usual priority") {
  workload_fixture fixture;
  const auto from = fixture.queue("from");
  fixture.put(from, "ab", {}, 3);
  fixture.consumer("double", {.queue = {"from"}, .output = "doubled"}, testing::quick_kind(doubled));
  fixture.consumer("copy", {.queue = {"doubled"}, .output = "copied"}, testing::quick_kind(unchanged));
  fixture.start();

  const auto job = fixture.broker.engine().first_ready(*fixture.broker.find("copied"));
  REQUIRE(job);
  CHECK(job->content.view() == "abab");
  CHECK(job->priority == engine::default_priority);
  CHECK(fixture.broker.engine().job_count() == 1);
}

TEST_CASE("a full output queue that blocks suspends the slot, which goes on when there is capacity") {
  workload_fixture fixture;
  fill(fixture, engine::overflow::block);
  fixture.consumer("copy", {.queue = {"from"}, .output = "to"}, testing::quick_kind(unchanged));
  fixture.start();
  fixture.loop.advance(seconds{2});
  CHECK(fixture.levels("from").reserved == 1);
  CHECK(fixture.jobs.consumers()[0]->active == 1);
  CHECK(fixture.outcomes(0, outcome::ok) == 0);
  CHECK(fixture.broker.held_outputs().total(fixture.loop.now()) == seconds{2});

  fixture.broker.watch(fixture.session, "to").value();
  static_cast<void>(fixture.broker.try_finish(
      fixture.session, {.job = fixture.broker.try_reserve(fixture.session, engine::lease::unlimited).answer.job.job}));
  fixture.loop.run_ready();

  CHECK(fixture.levels("from").jobs() == 0);
  CHECK(fixture.levels("to").ready == 1);
  CHECK(fixture.outcomes(0, outcome::ok) == 1);
  CHECK(fixture.jobs.consumers()[0]->active == 0);
}

TEST_CASE("a full output queue that rejects fails the job") {
  workload_fixture fixture;
  fill(fixture, engine::overflow::reject);
  fixture.consumer("copy", {.queue = {"from"}, .output = "to"}, testing::quick_kind(unchanged));
  fixture.start();

  CHECK(fixture.levels("from").buried == 1);
  CHECK(fixture.levels("to").ready == 1);
  CHECK(fixture.outcomes(0, outcome::failed) == 1);
  const auto& counts = fixture.broker.engine().counts(*fixture.broker.find("from"));
  CHECK(counts.buried[static_cast<std::size_t>(engine::reason::output_full)].value() == 1);
}

TEST_CASE("a job whose output queue is full goes to the dead letters, if there are any") {
  workload_fixture fixture;
  fill(fixture, engine::overflow::reject);
  fixture.queue("letters");
  fixture.consumer("copy", {.queue = {"from"}, .output = "to", .dead_letter = "letters"},
                   testing::quick_kind(unchanged));
  fixture.start();

  CHECK(fixture.levels("from").jobs() == 0);
  CHECK(fixture.levels("letters").ready == 1);
  CHECK(fixture.outcomes(0, outcome::failed) == 1);
}

TEST_CASE("a full output queue that drops makes capacity by the job longest ready") {
  workload_fixture fixture;
  fill(fixture, engine::overflow::drop_oldest);
  fixture.consumer("copy", {.queue = {"from"}, .output = "to"}, testing::quick_kind(unchanged));
  fixture.start();

  CHECK(fixture.levels("from").jobs() == 0);
  CHECK(fixture.levels("to").ready == 1);
  CHECK(fixture.broker.engine().first_ready(*fixture.broker.find("to"))->content.view() == "a");
  CHECK(fixture.outcomes(0, outcome::ok) == 1);
}
