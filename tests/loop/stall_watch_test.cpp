#include "loop/stall_watch.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include <millrace/loop/deadline.hpp>

#include "loop/symbols.hpp"

#include "support/catch.hpp"
#include "support/taken_log.hpp"
#include "support/text_matcher.hpp"

#include "loop/still_loop.hpp"

namespace millrace::loop {
namespace {

constexpr duration short_threshold = milliseconds{2};

/// Holds the loop until the watch has seen the stall, on a slow machine too.
awaitable<> hold_until_reported(const stall_watch& watch) {
  while (!watch.reporting()) {
  }
  co_return;
}

awaitable<> hold_now_and_then(event_loop& loop, const stall_watch& watch, int times) {
  for (int n = 0; n < times; ++n) {
    while (!watch.reporting()) {
    }
    co_await yield(loop);
  }
}

enum class hold_kind { computing, read, poll };

[[gnu::noinline]] void function_that_holds(hold_kind kind, int descriptor, const std::atomic<bool>& released) {
  char byte = 0;
  pollfd readable{descriptor, POLLIN, 0};
  switch (kind) {
    case hold_kind::computing:
      while (!released) {
      }
      break;
    case hold_kind::read:
      CHECK(::read(descriptor, &byte, 1) == 1);
      break;
    case hold_kind::poll:
      CHECK(::poll(&readable, 1, -1) == 1);
      break;
  }
}

awaitable<> hold_in_function(hold_kind kind, int descriptor, const std::atomic<bool>& released) {
  function_that_holds(kind, descriptor, released);
  co_return;
}

const stall_count* find(const std::vector<stall_count>& stalls, std::string_view task) {
  for (const stall_count& each : stalls) {
    if (each.task == task) return &each;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("a stall is reported while it lasts and counted under its task's name when it ends", "[stall_watch]") {
  testing::taken_log log{{"task"}};
  still_loop still;
  const stall_watch watch{still.loop, short_threshold};
  still.scope.spawn("hog#7", hold_until_reported(watch));
  still.loop.run_ready();
  CHECK_FALSE(watch.reporting());
  const std::vector<stall_count> stalls = watch.stalls();
  const stall_count* const hog = find(stalls, "hog");
  REQUIRE(hog != nullptr);
  CHECK(hog->stalls == 1);
  CHECK(hog->longest >= short_threshold);
  auto lines = log.finish();
  std::erase(lines, "loop_stall_stack hog#7");  // not there if the stall ended before the thread was sampled
  CHECK(lines == diary{"loop_stalled hog#7", "loop_stall_ended hog#7"});
}

TEST_CASE("a stall is reported with where its task is, and its system calls are not interrupted", "[stall_watch]") {
#if defined(__SANITIZE_THREAD__)
  // This sanitizer holds signals back while a thread computes or waits in some calls.
  const auto kind = hold_kind::poll;
#else
  const auto kind = GENERATE(hold_kind::computing, hold_kind::read, hold_kind::poll);
#endif
  testing::taken_log log{{"task", "stack"}};
  {
    still_loop still;
    const stall_watch watch{still.loop, short_threshold};
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    std::atomic<bool> released{false};
    std::thread releasing{[&] {
      log.wait_for("loop_stall_stack hog", 1);
      released = true;
      static_cast<void>(::write(ends[1], "x", 1));
    }};
    still.scope.spawn("hog", hold_in_function(kind, ends[0], released));
    still.loop.run_ready();
    releasing.join();
    ::close(ends[0]);
    ::close(ends[1]);
  }
  const auto& lines = log.finish();
  const auto found = std::ranges::find_if(lines, [](const auto& line) { return line.starts_with("loop_stall_stack"); });
  REQUIRE(found != lines.end());
  CHECK_THAT(*found, testing::contains_text("millrace::loop::function_that_holds"));
}

TEST_CASE("the name of a function is shown without parameters and template arguments", "[stall_watch]") {
  CHECK(short_name("main") == "main");
  CHECK(short_name("millrace::a<int, b<c> >::d(int, e<f>) const") == "millrace::a::d");
  CHECK(short_name("void a::b<int>(c) [clone .actor]") == "a::b");
  CHECK(short_name("a::(anonymous namespace)::b(c)") == "a::b");
}

TEST_CASE("stalls of tasks that differ after '#' are counted together", "[stall_watch]") {
  const testing::taken_log log{{"task"}};
  still_loop still;
  const stall_watch watch{still.loop, short_threshold};
  still.scope.spawn("hog#1", hold_now_and_then(still.loop, watch, 2));
  still.scope.spawn("hog#2", hold_now_and_then(still.loop, watch, 1));
  still.loop.run_ready();
  const std::vector<stall_count> stalls = watch.stalls();
  const stall_count* const hog = find(stalls, "hog");
  REQUIRE(hog != nullptr);
  CHECK(hog->stalls == 3);
}

TEST_CASE("what runs for no task is the loop's own stall", "[stall_watch]") {
  const testing::taken_log log{{"task"}};
  still_loop still;
  const stall_watch watch{still.loop, short_threshold};
  still.loop.post_from_any_thread([&] {
    while (!watch.reporting()) {
    }
  });
  still.loop.run_ready();
  const std::vector<stall_count> stalls = watch.stalls();
  CHECK(find(stalls, "loop") != nullptr);
}

TEST_CASE("beyond the limit of names, stalls are counted together", "[stall_watch]") {
  const testing::taken_log log{{"task"}};
  still_loop still;
  const stall_watch watch{still.loop, microseconds{1}};
  for (std::size_t n = 0; n < stalled_names_max + 3; ++n) {
    still.scope.spawn("hog" + std::to_string(n), hold_until_reported(watch));
  }
  still.loop.run_ready();
  const std::vector<stall_count> stalls = watch.stalls();
  CHECK(stalls.size() <= stalled_names_max + 1);
  const stall_count* const others = find(stalls, "__other__");
  REQUIRE(others != nullptr);
  CHECK(others->stalls >= 3);
}

TEST_CASE("a loop that is not held is not reported", "[stall_watch]") {
  still_loop still;
  const stall_watch watch{still.loop, hours{1}};
  still.loop.run_ready();
  CHECK(watch.stalls().empty());
}

}  // namespace millrace::loop
