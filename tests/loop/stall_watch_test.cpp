#include "loop/stall_watch.hpp"

#include <millrace/loop/deadline.hpp>

#include "support/catch.hpp"
#include "support/taken_log.hpp"

#include "loop/still_loop.hpp"

namespace millrace::loop {
namespace {

constexpr duration short_threshold = milliseconds{2};

/// Holds the loop until the watch has seen it, however slow the machine.
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
  CHECK(log.finish() == diary{"loop_stalled hog#7", "loop_stall_ended hog#7"});
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
