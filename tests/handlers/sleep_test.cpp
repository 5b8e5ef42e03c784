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
  handlers::sleep handler{{seconds{5}, "slept well"}, fixture.context};
  std::vector<std::string> outcomes;
  loop::task_scope jobs{fixture.loop};
  jobs.spawn("sleeper", handle_one(handler, "no length at all", outcomes));
  fixture.loop.run_ready();
  fixture.loop.advance(milliseconds{4'999});
  CHECK(outcomes.empty());
  fixture.loop.advance(milliseconds{1});
  CHECK(outcomes == std::vector<std::string>{"no length at all: slept well"});
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
