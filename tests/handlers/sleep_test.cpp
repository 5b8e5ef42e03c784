#include "handlers/sleep.hpp"

#include <string>
#include <vector>

#include "handlers/program.hpp"
#include "handlers/waiting.hpp"
#include "loop/task_scope.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::handlers;

TEST_CASE("sleep waits as long as the body says, and returns the body", "[sleep]") {
  handler_fixture fixture;
  handlers::sleep handler{{}, fixture.context};
  std::vector<std::string> outcomes;
  loop::task_scope jobs{fixture.loop};
  for (const std::string length : {"3", "1", "2500ms"}) jobs.spawn("sleeper", handle_one(handler, length, outcomes));
  fixture.loop.run_ready();
  fixture.loop.advance(milliseconds{999});
  CHECK(outcomes.empty());
  fixture.loop.advance(milliseconds{1});
  CHECK(outcomes == std::vector<std::string>{"1: done"});
  fixture.loop.advance(seconds{2});
  CHECK(outcomes == std::vector<std::string>{"1: done", "2500ms: done", "3: done"});
}

TEST_CASE("sleep can wait a fixed time and return a fixed text", "[sleep]") {
  handler_fixture fixture;
  handlers::sleep handler{{job_template::parse("5s").value(), job_template::parse("slept well").value()},
                          fixture.context};
  std::vector<std::string> outcomes;
  loop::task_scope jobs{fixture.loop};
  jobs.spawn("sleeper", handle_one(handler, "no length at all", outcomes));
  fixture.loop.run_ready();
  fixture.loop.advance(milliseconds{4'999});
  CHECK(outcomes.empty());
  fixture.loop.advance(milliseconds{1});
  CHECK(outcomes == std::vector<std::string>{"no length at all: slept well"});
}

TEST_CASE("sleep can take its time and its text from the job", "[sleep]") {
  handler_fixture fixture;
  const auto parsed = [](std::string_view text) { return job_template::parse(text).value(); };
  handlers::sleep handler{{parsed("${field:2}"), parsed("${field:1} slept")}, fixture.context};
  std::vector<std::string> outcomes;
  loop::task_scope jobs{fixture.loop};
  jobs.spawn("sleeper", handle_all(handler, {"Ada 5s", "Ada", "Ada soon"}, outcomes));
  fixture.loop.run_ready();
  fixture.loop.advance(milliseconds{4'999});
  CHECK(outcomes.empty());
  fixture.loop.advance(milliseconds{1});
  CHECK(outcomes ==
        std::vector<std::string>{"Ada 5s: Ada slept", "Ada: `${field:2}`: the body has 1 field",
                                 "Ada soon: \"soon\" is not a duration (250ms, 1.5s, or a number of seconds)"});
}

TEST_CASE("a length of sleep without placeholders is checked as a duration", "[sleep]") {
  const auto& option = *sleep_option_table().find("length");
  sleep_options given;
  CHECK(option.read(&given, "250ms"));
  CHECK(option.print(&given) == "250ms");
  CHECK(option.read(&given, "${json:/wait|1s}"));
  CHECK(option.print(&given) == "${json:/wait|1s}");
  CHECK_FALSE(option.read(&given, "soon"));
  CHECK_FALSE(option.read(&given, "${wait}"));
  CHECK(option.print(&given) == "${json:/wait|1s}");
}

TEST_CASE("sleep fails a body that is not a duration, without waiting", "[sleep]") {
  handler_fixture fixture;
  handlers::sleep handler{{}, fixture.context};
  std::vector<std::string> outcomes;
  loop::task_scope jobs{fixture.loop};
  jobs.spawn("sleeper", handle_one(handler, "soon", outcomes));
  fixture.loop.run_ready();
  CHECK(outcomes == std::vector<std::string>{"soon: \"soon\" is not a duration (250ms, 1.5s, or a number of seconds)"});
}

TEST_CASE("a cancelled sleep ends at once", "[sleep]") {
  handler_fixture fixture;
  handlers::sleep handler{{}, fixture.context};
  std::vector<std::string> outcomes;
  loop::task_scope jobs{fixture.loop};
  jobs.spawn("sleeper", handle_one(handler, "1h", outcomes));
  fixture.loop.run_ready();
  jobs.cancel();
  fixture.loop.run_ready();
  CHECK(jobs.size() == 0);
  CHECK(outcomes.empty());
}
