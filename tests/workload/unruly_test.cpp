// A fault of a handler outside the tree is the outcome of one job, and a fault of a source ends one producer.
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "support/taken_log.hpp"
#include "workload/consumer.hpp"
#include "workload/workload_fixture.hpp"

// Part of the example, which is a project of its own that includes only public headers.
// NOLINTNEXTLINE(bugprone-suspicious-include)
#include "example/unruly.cpp"

using namespace millrace;
using engine::outcome;
using testing::workload_fixture;

namespace {

constexpr std::string_view ways[]{"invalid", "out_of_range", "not_found", "refused", "cancelled", "timed_out",
                                  "io",      "unsupported",  "bad_alloc", "aborted", "number"};

handlers::kind unruly_handler(std::string_view name) {
  handlers::registry kinds;
  add_unruly(kinds);
  return *kinds.find(name);
}

struct variant {
  std::string_view handler;
  std::vector<std::string_view> phases;
};

/// The source has options of its own type, which are made and read as in the settings.
void unruly_producer(workload_fixture& fixture, std::string name, std::string_view behavior) {
  sources::registry kinds;
  add_unruly(kinds);
  fixture.producer(std::move(name), {.queue = "work"}, *kinds.find("unruly"));
  const auto& table = *kinds.find("unruly")->options;
  fixture.producers.back().kind_options = table.make();
  table.find("how")->read(fixture.producers.back().kind_options.get(), behavior).value();
}

}  // namespace

TEST_CASE("whatever a handler returns or throws is its job's outcome, and its slot goes on") {
  const auto tried = GENERATE(variant{"unruly_quick", {""}}, variant{"unruly_waiting", {"early:", "late:"}},
                              variant{"unruly_computing", {"begin:", "result:"}});
  const auto place = GENERATE(offload::execution_site::loop, offload::execution_site::threads);
  const auto timeout = GENERATE(std::optional<duration>{}, std::optional<duration>{hours{1}});
  CAPTURE(tried.handler, place == offload::execution_site::threads, timeout.has_value());
  workload_fixture fixture;
  const auto queue = fixture.queue("work");
  std::size_t bad = 0;
  for (const auto phase : tried.phases) {
    for (const auto way : ways) {
      fixture.put(queue, std::string{phase}.append(way));
      ++bad;
    }
  }
  if (tried.handler == "unruly_computing") {
    // A step has no error to return.
    for (const auto* const behavior : {"step:bad_alloc", "step:aborted", "step:number", "nothing"}) {
      fixture.put(queue, behavior);
      ++bad;
    }
  }
  fixture.put(queue, "good");
  fixture.consumer("unruly", {.queue = {"work"}, .run_on = place, .concurrency = 2, .timeout = timeout},
                   unruly_handler(tried.handler));
  fixture.watch_idle();
  fixture.start();
  fixture.turn_until([&] { return fixture.idle; });

  CHECK(fixture.outcomes(0, outcome::failed) == bad);
  CHECK(fixture.outcomes(0, outcome::ok) == 1);
  CHECK(fixture.levels("work").buried == bad);
  CHECK(fixture.jobs.consumers()[0]->slot_restarts.value() == 0);
  CHECK(fixture.jobs.consumers()[0]->active == 0);

  fixture.put(queue, "good");
  fixture.turn_until([&] { return fixture.outcomes(0, outcome::ok) == 2; });
  fixture.drain(seconds{1});
  fixture.turn_until([&] { return fixture.drained.has_value(); });
  CHECK(fixture.drained == std::size_t{0});
}

TEST_CASE("a source that throws ends its producer at once, logged and counted, and the program becomes idle") {
  const std::string phase = GENERATE("next:", "more:");
  const std::string way = GENERATE("bad_alloc", "aborted", "number");
  CAPTURE(phase, way);
  testing::taken_log log{{"producer"}};
  {
    workload_fixture fixture;
    fixture.queue("work");
    unruly_producer(fixture, "unruly", phase + way);
    fixture.watch_idle();
    fixture.start();

    CHECK(fixture.jobs.producers()[0]->jobs.value() == 1);
    CHECK(fixture.jobs.producers()[0]->errors.value() == 1);
    CHECK(fixture.jobs.producers()[0]->failed);
    CHECK(fixture.jobs.producers()[0]->ended);
    CHECK(fixture.idle);
    fixture.drain(seconds{1});
    fixture.loop.run_ready();
    CHECK(fixture.drained == std::size_t{0});
  }
  CHECK(log.finish() == std::vector<std::string>{"producer_failed unruly"});
}

TEST_CASE("an error that a source returns is counted, and the source goes on") {
  const std::string way = GENERATE("cancelled", "timed_out", "io");
  workload_fixture fixture;
  fixture.queue("work");
  unruly_producer(fixture, "unruly", "next:" + way);
  fixture.start();

  CHECK(fixture.jobs.producers()[0]->errors.value() == 1);
  CHECK_FALSE(fixture.jobs.producers()[0]->failed);
  CHECK(fixture.jobs.producers()[0]->ended);
}

namespace {

workload::steps noting_step(workload_fixture& fixture) {
  handlers::handler handler{std::unique_ptr<handlers::quick_handler>{std::make_unique<testing::quick>(fixture.note())}};
  std::vector<workload::steps::step> all;
  all.push_back(
      {{fixture.loop, fixture.threads, std::move(handler), offload::execution_site::loop, std::nullopt}, "quick"});
  return {fixture.loop, std::move(all), 1};
}

}  // namespace

TEST_CASE("a slot that ends with an exception is logged and counted at once and starts again after a growing pause") {
  testing::taken_log log{{"slot", "reason", "restart_in"}};
  {
    workload_fixture fixture;
    const auto queue = fixture.queue("work");
    workload::consumer_counts counts{
        .name = "fragile", .concurrency = 1, .active = 0, .outcomes = {}, .slot_restarts = {}};
    unsigned failures = 0;
    // The slot calls it when there is no job.
    const auto fail_three_times = [&] {
      if (failures < 3) throw std::runtime_error{"failure " + std::to_string(++failures)};
    };
    workload::consumer consumer{
        {fixture.loop, fixture.broker, nullptr, fail_three_times}, {queue}, noting_step(fixture), {}, counts};
    consumer.start(fixture.scope);
    fixture.loop.run_ready();
    CHECK(counts.slot_restarts.value() == 1);
    fixture.put(queue, "a");
    fixture.loop.advance(milliseconds{99});
    CHECK(fixture.seen.empty());
    fixture.loop.advance(milliseconds{1});
    CHECK(fixture.seen.size() == 1);  // and found nothing more to do
    CHECK(counts.slot_restarts.value() == 2);
    fixture.loop.advance(milliseconds{200});
    CHECK(counts.slot_restarts.value() == 3);
    fixture.loop.advance(milliseconds{400});
    fixture.put(queue, "b");
    fixture.loop.run_ready();
    CHECK(fixture.seen.size() == 2);
    CHECK(consumer.running_slots() == 1);

    consumer.stop_taking();
    fixture.loop.run_ready();
    CHECK(consumer.running_slots() == 0);
  }
  CHECK(log.finish() == std::vector<std::string>{"consumer_slot_failed fragile#1 failure 1 100ms",
                                                 "consumer_slot_failed fragile#1 failure 2 200ms",
                                                 "consumer_slot_failed fragile#1 failure 3 400ms"});
}

TEST_CASE("a slot that waits for its restart is stopped by a drain like any other") {
  workload_fixture fixture;
  const auto queue = fixture.queue("work");
  workload::consumer_counts counts{
      .name = "fragile", .concurrency = 1, .active = 0, .outcomes = {}, .slot_restarts = {}};
  bool failed = false;
  const auto fail_once = [&] {
    if (!std::exchange(failed, true)) throw std::runtime_error{"a failure"};
  };
  workload::consumer consumer{
      {fixture.loop, fixture.broker, nullptr, fail_once}, {queue}, noting_step(fixture), {}, counts};
  consumer.start(fixture.scope);
  fixture.loop.run_ready();
  REQUIRE(counts.slot_restarts.value() == 1);
  consumer.stop_taking();
  fixture.loop.run_ready();
  CHECK(consumer.running_slots() == 0);
}
