// Outputs and puts that the disk or the limits refuse, each with its own reason.
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/full_disk_store.hpp"
#include "support/taken_log.hpp"
#include "workload/settlement.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using engine::outcome;
using testing::workload_fixture;

namespace {

using lines = std::vector<std::string>;

engine::queue_options on_disk() { return {.durability = engine::durability::sync}; }

handlers::answer unchanged(const handlers::job&) { return std::nullopt; }

/// A job, and a consumer that copies it into `to`.
void copy_one_job(workload_fixture& fixture, std::string_view content = "job") {
  fixture.put(fixture.queue("from"), content);
  fixture.consumer("copy", {.queue = {"from"}, .output = "to"}, testing::quick_kind(unchanged));
  fixture.start();
}

}  // namespace

TEST_CASE("a consumer whose output has no space on disk holds the job, says so, and finishes it when there is space") {
  testing::taken_log log{{"sentence"}};
  {
    testing::full_disk_store disk;
    workload_fixture fixture{{}, loop::clock_kind::manual, &disk};
    fixture.queue("to", on_disk());
    disk.free_bytes = 0;
    copy_one_job(fixture);
    fixture.loop.advance(seconds{10});
    CHECK(fixture.levels("from").reserved == 1);
    CHECK(fixture.jobs.consumers()[0]->active == 1);
    disk.free_bytes = 3;
    fixture.loop.advance(workload::settlement::space_check_interval);
    CHECK(fixture.levels("from").jobs() == 0);
    CHECK(fixture.levels("to").ready == 1);
    CHECK(fixture.outcomes(0, outcome::ok) == 1);
    CHECK(fixture.jobs.consumers()[0]->active == 0);
  }
  CHECK(log.finish() ==
        lines{"output_held: the disk is short of space for an output: the job waits until there is space"});
}

TEST_CASE("a job whose output waits for space on disk is ready again when the time to drain is over") {
  testing::full_disk_store disk;
  workload_fixture fixture{{}, loop::clock_kind::manual, &disk};
  fixture.queue("to", on_disk());
  disk.free_bytes = 0;
  copy_one_job(fixture);
  fixture.drain(seconds{1});
  fixture.loop.advance(seconds{1});
  CHECK(fixture.drained == 1);
  CHECK(fixture.levels("from").ready == 1);
}

TEST_CASE("each refusal of an output is logged with its own reason") {
  testing::taken_log log{{"sentence", "reason"}};
  std::string reason;
  {
    testing::full_disk_store disk;
    SECTION("the queue is full") {
      workload_fixture fixture{{}, loop::clock_kind::manual, &disk};
      fixture.put(fixture.queue("to", {.max_jobs = 1, .when_full = engine::overflow::reject}), "in the way");
      copy_one_job(fixture);
      reason = "an output queue is full output_full";
    }
    SECTION("larger than the queue may hold") {
      workload_fixture fixture{{}, loop::clock_kind::manual, &disk};
      fixture.queue("to", {.max_bytes = 2});
      copy_one_job(fixture);
      reason = "an output is larger than its queue may hold or than a job on disk can be too_large";
    }
    SECTION("larger than a job on disk can be") {
      disk.largest_job = 2;
      workload_fixture fixture{{}, loop::clock_kind::manual, &disk};
      fixture.queue("to", on_disk());
      copy_one_job(fixture);
      reason = "an output is larger than its queue may hold or than a job on disk can be too_large";
    }
    SECTION("no space on disk, and the queue does not block") {
      disk.free_bytes = 2;
      workload_fixture fixture{{}, loop::clock_kind::manual, &disk};
      auto options = on_disk();
      options.when_full = engine::overflow::reject;
      fixture.queue("to", options);
      copy_one_job(fixture);
      reason = "the disk is short of space for an output no_space";
    }
    SECTION("no ids are left") {
      workload_fixture fixture{{}, loop::clock_kind::manual, &disk};
      fixture.queue("to");
      fixture.broker.begin_restore();
      fixture.broker.end_restore(job_id_max.value() - 1);
      copy_one_job(fixture);
      reason = "no job ids are left no_ids";
    }
  }
  CHECK(log.finish() == lines{"job_failed: the job succeeded, but " + reason});
}

TEST_CASE("a producer whose put finds no id left says that, and not that the queue is full") {
  testing::taken_log log{{"sentence"}};
  {
    workload_fixture fixture;
    fixture.queue("numbers");
    fixture.broker.begin_restore();
    fixture.broker.end_restore(job_id_max.value());
    fixture.producer("late", {.queue = "numbers"}, testing::source_of({"1"}));
    fixture.start();
    CHECK(fixture.jobs.producers()[0]->errors.value() == 1);
    const auto no_ids = static_cast<std::size_t>(engine::reason::no_ids);
    CHECK(fixture.broker.engine().counts(*fixture.broker.find("numbers")).rejected[no_ids].value() == 1);
  }
  const auto& all = log.finish();
  REQUIRE(all.size() == 2);
  CHECK(all[0].starts_with("job_ids_exhausted: "));
  CHECK(all[1] == "put_refused: no job ids are left");
}
