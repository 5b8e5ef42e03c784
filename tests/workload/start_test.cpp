#include "support/catch.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using testing::workload_fixture;

TEST_CASE("what cannot be made is an error that names the producer or the consumer, and nothing is started") {
  workload_fixture fixture;
  fixture.producer("fine", {.queue = "a"}, testing::numbers_to(3));
  SECTION("a source") {
    fixture.producer("candidates", {.queue = "a"},
                     {"broken", "", &testing::no_option_table(),
                      [](const void*, const sources::source_context&) -> result<std::unique_ptr<sources::source>> {
                        return error{errc::io, "no such file"};
                      }});
    CHECK(fixture.try_start().error().text == "producer candidates: no such file");
  }
  SECTION("a handler") {
    fixture.consumer("report", {.queue = {"a"}},
                     {"broken", "", &testing::no_option_table(), false,
                      [](const void*, const handlers::handler_context&) -> result<handlers::handler> {
                        return invalid("no such thing");
                      }});
    CHECK(fixture.try_start().error().text == "consumer report: no such thing");
  }
  fixture.loop.run_ready();
  CHECK(fixture.broker.engine().job_count() == 0);
  CHECK(fixture.loop.tasks().empty());
}

TEST_CASE("queues that nobody declared come into being with the defaults") {
  workload_fixture fixture;
  fixture.broker.set_queue_defaults({.max_jobs = 2});
  fixture.producer("ten", {.queue = "numbers"}, testing::numbers_to(10));
  fixture.start();

  CHECK(fixture.levels("numbers").ready == 2);
}
