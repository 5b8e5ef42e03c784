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
void fill(workload_fixture& at, engine::overflow when_full) {
  const auto from = at.queue("from");
  const auto to = at.queue("to", {.max_jobs = 1, .when_full = when_full});
  at.put(to, "in the way");
  at.put(from, "a");
}

}  // namespace

TEST_CASE("the handler's text goes on, or else the job's body unchanged, with the usual priority") {
  workload_fixture at;
  const auto from = at.queue("from");
  at.put(from, "ab", {}, 3);
  at.consumer("double", {.queue = {"from"}, .output = "doubled"}, testing::quick_kind(doubled));
  at.consumer("copy", {.queue = {"doubled"}, .output = "copied"}, testing::quick_kind(unchanged));
  at.start();

  const auto job = at.broker.engine().first_ready(*at.broker.find("copied"));
  REQUIRE(job);
  CHECK(job->content.view() == "abab");
  CHECK(job->priority == engine::default_priority);
  CHECK(at.broker.engine().job_count() == 1);
}

TEST_CASE("a full output queue that blocks suspends the slot, which goes on when there is capacity") {
  workload_fixture at;
  fill(at, engine::overflow::block);
  at.consumer("copy", {.queue = {"from"}, .output = "to"}, testing::quick_kind(unchanged));
  at.start();
  at.loop.advance(seconds{2});
  CHECK(at.levels("from").reserved == 1);
  CHECK(at.jobs.consumers()[0]->active == 1);
  CHECK(at.outcomes(0, outcome::ok) == 0);
  CHECK(at.broker.held_outputs().total(at.loop.now()) == seconds{2});

  at.broker.watch(at.session, "to").value();
  static_cast<void>(at.broker.try_finish(
      at.session, {.job = at.broker.try_reserve(at.session, engine::lease::unlimited).answer.job.job}));
  at.loop.run_ready();

  CHECK(at.levels("from").jobs() == 0);
  CHECK(at.levels("to").ready == 1);
  CHECK(at.outcomes(0, outcome::ok) == 1);
  CHECK(at.jobs.consumers()[0]->active == 0);
}

TEST_CASE("a full output queue that rejects fails the job") {
  workload_fixture at;
  fill(at, engine::overflow::reject);
  at.consumer("copy", {.queue = {"from"}, .output = "to"}, testing::quick_kind(unchanged));
  at.start();

  CHECK(at.levels("from").buried == 1);
  CHECK(at.levels("to").ready == 1);
  CHECK(at.outcomes(0, outcome::failed) == 1);
  const auto& counts = at.broker.engine().counts(*at.broker.find("from"));
  CHECK(counts.buried[static_cast<std::size_t>(engine::reason::output_full)].value() == 1);
}

TEST_CASE("a job whose output queue is full goes to the dead letters, if there are any") {
  workload_fixture at;
  fill(at, engine::overflow::reject);
  at.queue("letters");
  at.consumer("copy", {.queue = {"from"}, .output = "to", .dead_letter = "letters"}, testing::quick_kind(unchanged));
  at.start();

  CHECK(at.levels("from").jobs() == 0);
  CHECK(at.levels("letters").ready == 1);
  CHECK(at.outcomes(0, outcome::failed) == 1);
}

TEST_CASE("a full output queue that drops makes capacity by the job longest ready") {
  workload_fixture at;
  fill(at, engine::overflow::drop_oldest);
  at.consumer("copy", {.queue = {"from"}, .output = "to"}, testing::quick_kind(unchanged));
  at.start();

  CHECK(at.levels("from").jobs() == 0);
  CHECK(at.levels("to").ready == 1);
  CHECK(at.broker.engine().first_ready(*at.broker.find("to"))->content.view() == "a");
  CHECK(at.outcomes(0, outcome::ok) == 1);
}
