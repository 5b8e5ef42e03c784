#include "loop/group_watch.hpp"

#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

#include <millrace/loop/deadline.hpp>
#include <millrace/loop/wait_point.hpp>

#include "loop/child_launcher.hpp"
#include "loop/task_scope.hpp"

namespace millrace::loop {
namespace {

struct watched_child {
  group_limits limits;
  std::vector<exceeded_limit> exceeded;
  child_exit exit;
  std::vector<std::uint64_t> spans{};               ///< from the start
  std::vector<std::uint64_t> spans_after_output{};  ///< begun when the child has written something
  bool ends_spans{false};                           ///< when the child has written something
};

/// A child that is killed when it exceeds a limit.
awaitable<> run_watched(child_launcher& launcher, child_command command, watched_child& outcome) {
  auto child = co_await launcher.start(std::move(command));
  auto watched = launcher.limits().add(child->id(), outcome.limits, [&](const exceeded_limit& found) {
    outcome.exceeded.push_back(found);
    child->kill();
  });
  for (const auto key : outcome.spans) watched->begin_span(key);
  if (outcome.ends_spans || !outcome.spans_after_output.empty()) {
    std::array<char, 200> output{};
    co_await child->read(child_stream::output, output);
    if (outcome.ends_spans)
      for (const auto key : outcome.spans) watched->end_span(key);
    for (const auto key : outcome.spans_after_output) watched->begin_span(key);
    child->close_input();
  }
  outcome.exit = co_await child->ended();
}

child_command shell(std::string script) { return {{"/bin/sh", "-c", std::move(script)}, {"PATH=/usr/bin:/bin"}, {}}; }

awaitable<> wait_for(wait_point& point) { co_await point.wait(); }

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
  CHECK(outcome.exceeded[0].resource == exceeded_limit::kind::memory);
  CHECK(outcome.exceeded[0].text.starts_with("process "));
  CHECK(outcome.exceeded[0].text.ends_with(" of memory, more than memory_max (1)"));
  CHECK(outcome.exit.signal == SIGKILL);
}

TEST_CASE("the processor time of all processes of a group counts", "[group_watch]") {
  watched_child outcome{{.cpu_max = milliseconds{50}, .memory_max = {}}, {}, {}};
  run(outcome, "while :; do :; done & wait");
  REQUIRE(outcome.exceeded.size() == 1);
  CHECK(outcome.exceeded[0].resource == exceeded_limit::kind::cpu);
  CHECK(outcome.exceeded[0].text.ends_with(" of processor time, more than cpu_max (50ms)"));
}

TEST_CASE("the limit of a span counts processor time from its begin on, and the report has its key", "[group_watch]") {
  watched_child outcome{{.cpu_max = milliseconds{50}, .cpu_by_span = true, .cpu_setting = "process_cpu_max"}, {}, {}};
  outcome.spans = {7};
  run(outcome, "while :; do :; done");
  REQUIRE(outcome.exceeded.size() == 1);
  CHECK(outcome.exceeded[0].resource == exceeded_limit::kind::cpu);
  CHECK(outcome.exceeded[0].span == 7);
  CHECK(outcome.exceeded[0].text.ends_with(" of processor time, more than process_cpu_max (50ms)"));
}

TEST_CASE("processor time before or after a span does not count against its limit", "[group_watch]") {
  watched_child outcome{{.cpu_max = milliseconds{50}, .cpu_by_span = true}, {}, {}};
  // A few hundred milliseconds of processor time, then some samples of the watch.
  const std::string work = "head -c 200000000 /dev/zero | sha256sum; ";
  SECTION("before") {
    outcome.spans_after_output = {7};
    run(outcome, work + "sleep 0.7");
  }
  SECTION("after") {
    outcome.spans = {7};
    outcome.ends_spans = true;
    run(outcome, "echo; read -r end; " + work + "sleep 0.5");
  }
  CHECK(outcome.exceeded.empty());
  CHECK(outcome.exit.status == 0);
  CHECK(outcome.exit.cpu > milliseconds{50});
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
  task_scope scope{loop};
  group_watch watch{loop};
  wait_point reported{loop, "a report"};
  // The group of this process, which exceeds the limit at the first look. One look posts both reports.
  const group_limits tight{.cpu_max = {}, .memory_max = 1};
  bool called = false;
  group_watch::entry later;
  const auto first = watch.add(::getpgrp(), tight, [&](const exceeded_limit&) {
    later = {};
    reported.wake_all();
  });
  REQUIRE(first.has_value());
  later = std::move(*watch.add(::getpgrp(), tight, [&](const exceeded_limit&) { called = true; }));
  scope.spawn("waits", wait_for(reported));
  loop.run();
  CHECK_FALSE(called);
}

}  // namespace millrace::loop
