#include "loop/group_watch.hpp"

#include <unistd.h>

#include <csignal>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/catch.hpp"

#include <millrace/loop/deadline.hpp>

#include "loop/child_launcher.hpp"
#include "loop/task_scope.hpp"

namespace millrace::loop {
namespace {

struct watched_child {
  group_limits limits;
  std::vector<exceeded_limit> exceeded;
  child_exit exit;
};

/// A child that is killed when it exceeds a limit.
awaitable<> run_watched(child_launcher& launcher, child_command command, watched_child& outcome) {
  auto child = co_await launcher.start(std::move(command));
  const auto watched = launcher.limits().add(child->id(), outcome.limits, [&](const exceeded_limit& found) {
    outcome.exceeded.push_back(found);
    child->kill();
  });
  outcome.exit = co_await child->ended();
}

child_command shell(std::string script) { return {{"/bin/sh", "-c", std::move(script)}, {"PATH=/usr/bin:/bin"}, {}}; }

void run(watched_child& outcome, std::string script) {
  std::signal(SIGPIPE, SIG_IGN);
  event_loop loop;
  task_scope scope{loop};
  child_launcher launcher{loop};
  scope.spawn("child", run_watched(launcher, shell(std::move(script)), outcome));
  loop.run();
}

}  // namespace

TEST_CASE("a group that uses more memory than its limit is reported once, with its largest process", "[group_watch]") {
  watched_child outcome{{.cpu_max = {}, .memory_max = 1}, {}, {}};
  run(outcome, "sleep 1000 & wait");
  REQUIRE(outcome.exceeded.size() == 1);
  CHECK(outcome.exceeded[0].which == exceeded_limit::kind::memory);
  CHECK(outcome.exceeded[0].text.starts_with("process "));
  CHECK(outcome.exceeded[0].text.ends_with(" of memory, more than memory_max (1)"));
  CHECK(outcome.exit.signal == SIGKILL);
}

TEST_CASE("the processor time of all processes of a group counts", "[group_watch]") {
  watched_child outcome{{.cpu_max = milliseconds{50}, .memory_max = {}}, {}, {}};
  run(outcome, "while :; do :; done & wait");
  REQUIRE(outcome.exceeded.size() == 1);
  CHECK(outcome.exceeded[0].which == exceeded_limit::kind::cpu);
  CHECK(outcome.exceeded[0].text.ends_with(" of processor time, more than cpu_max (50ms)"));
}

TEST_CASE("a group below its limits, or without any, is not reported", "[group_watch]") {
  for (const group_limits& limits :
       {group_limits{}, group_limits{.cpu_max = hours{1}, .memory_max = std::uint64_t{1} << 40U}}) {
    watched_child outcome{limits, {}, {}};
    run(outcome, "sleep 0.5");
    CHECK(outcome.exceeded.empty());
    CHECK(outcome.exit.status == 0);
  }
}

TEST_CASE("a watch that has ended reports nothing, also what was found before", "[group_watch]") {
  event_loop loop;
  group_watch watch{loop};
  bool called = false;
  {
    // The group of this process, which exceeds it at the first look.
    const auto entry =
        watch.add(::getpgrp(), {.cpu_max = {}, .memory_max = 1}, [&](const exceeded_limit&) { called = true; });
    REQUIRE(entry.has_value());
    // Longer than the watch sleeps, so that its report waits in the loop.
    std::this_thread::sleep_for(2 * group_watch::sample_every);
  }
  loop.run_ready();
  CHECK_FALSE(called);
}

}  // namespace millrace::loop
