// Ends of jobs while the disk is short of space.
#include <string>
#include <utility>

#include "broker/broker_fixture.hpp"
#include "support/catch.hpp"
#include "support/full_disk_store.hpp"

using namespace millrace;
using engine::finish_status;
using testing::broker_fixture;

namespace {

engine::queue_options on_disk() { return {.durability = engine::durability::sync}; }

/// A job that a session holds, on a disk that is full from then on.
struct held_job {
  explicit held_job(const engine::queue_options& options, std::uint64_t largest_on_disk = 1'000'000)
      : disk{largest_on_disk}, from{fixture.queue("from", options)}, holder{fixture.watching_session("from")} {
    fixture.put(from, "job");
    job = fixture.broker.try_reserve(holder, engine::lease::unlimited).answer.job.job;
    disk.free_bytes = 0;
  }

  [[nodiscard]] engine::finish_request with_output(queue_id queue, const std::string& content = "output") const {
    engine::finish_request request{.job = job};
    request.outputs.push_back({queue, {.content = body{content}}});
    return request;
  }
  [[nodiscard]] engine::finish_request failed(queue_id dead_letter) const {
    return {.job = job, .result = engine::outcome::failed, .error_text = "no", .dead_letter = dead_letter};
  }
  [[nodiscard]] std::uint64_t buried(engine::reason reason) const {
    return fixture.broker.engine().counts(from).buried[static_cast<std::size_t>(reason)].value();
  }

  testing::full_disk_store disk;
  broker_fixture fixture{&disk};
  queue_id from;
  session_id holder;
  job_id job{};
};

}  // namespace

TEST_CASE("a job whose output has no space on disk stays with its holder, who can finish it when there is space") {
  held_job held{on_disk()};
  const auto output = held.fixture.queue("output", on_disk());
  auto request = held.with_output(output);
  // A request that is refused is not moved from.
  const auto finish = [&] {
    return held.fixture.broker.try_finish(held.holder, static_cast<engine::finish_request&&>(request)).answer;
  };
  CHECK(finish() == finish_status::no_space);
  CHECK(held.fixture.levels(held.from).reserved == 1);
  CHECK(held.fixture.levels(output).jobs() == 0);
  REQUIRE(request.outputs.size() == 1);
  held.disk.free_bytes = 6;
  CHECK(finish() == finish_status::done);
  CHECK(held.fixture.levels(output).ready == 1);
}

TEST_CASE("the size of an output decides whether there is space for it") {
  held_job held{on_disk()};
  const auto output = held.fixture.queue("output", on_disk());
  held.disk.free_bytes = 1'000;
  CHECK(held.fixture.broker.try_finish(held.holder, held.with_output(output, std::string(1'001, 'x'))).answer ==
        finish_status::no_space);
  CHECK(held.fixture.broker.try_finish(held.holder, held.with_output(output, std::string(1'000, 'x'))).answer ==
        finish_status::done);
}

TEST_CASE("a job whose output has no space on disk fails with that reason if its output queue does not block") {
  held_job held{on_disk()};
  auto options = on_disk();
  options.when_full = GENERATE(engine::overflow::reject, engine::overflow::drop_oldest);
  const auto output = held.fixture.queue("output", options);
  const auto answer = held.fixture.broker.try_finish(held.holder, held.with_output(output)).answer;
  CHECK(answer == finish_status::buried);
  CHECK(answer.refusal == engine::reason::no_space);
  CHECK(held.buried(engine::reason::no_space) == 1);
}

TEST_CASE("an output into memory, or no output, needs no space on disk") {
  held_job held{on_disk()};
  SECTION("an output into memory") {
    const auto output = held.fixture.queue("output");
    CHECK(held.fixture.broker.try_finish(held.holder, held.with_output(output)).answer == finish_status::done);
  }
  SECTION("no output") {
    CHECK(held.fixture.broker.try_finish(held.holder, {.job = held.job}).answer == finish_status::done);
  }
}

TEST_CASE("a failed job whose dead letter has no space on disk, or is too large for it, is buried in its queue") {
  const bool is_too_large = GENERATE(false, true);
  held_job held{{}, is_too_large ? 2u : 3u};
  const auto letters = held.fixture.queue("letters", on_disk());
  held.disk.free_bytes = is_too_large ? 1'000 : 2;
  CHECK(held.fixture.broker.try_finish(held.holder, held.failed(letters)).answer == finish_status::buried);
  CHECK(held.buried(engine::reason::failed) == 1);
  CHECK(held.fixture.levels(letters).jobs() == 0);
}

TEST_CASE("a failed job goes to the dead letters on disk while there is space") {
  held_job held{{}};
  const auto letters = held.fixture.queue("letters", on_disk());
  held.disk.free_bytes = 3;
  CHECK(held.fixture.broker.try_finish(held.holder, held.failed(letters)).answer == finish_status::dead_lettered);
  CHECK(held.fixture.levels(letters).ready == 1);
}

TEST_CASE("after a failure of the store no job waits for space") {
  held_job held{on_disk()};
  const auto output = held.fixture.queue("output", on_disk());
  held.disk.failed = true;
  CHECK(held.fixture.broker.try_finish(held.holder, held.with_output(output)).answer == finish_status::done);
}
