#include <millrace/loop/event_loop.hpp>

#include <stdexcept>
#include <thread>

#include <millrace/loop/deadline.hpp>
#include <millrace/loop/wait_point.hpp>

#include "support/catch.hpp"

#include "loop/still_loop.hpp"

namespace millrace::loop {
namespace {

awaitable<> sleep_and_leave(event_loop& loop, duration length, instant& woke) {
  co_await sleep_for(loop, length);
  woke = loop.now();
}

awaitable<> wait_at(wait_point& point) { co_await point.wait(); }

awaitable<> yield_often(event_loop& loop, int times, const bool& stop) {
  for (int n = 0; n < times && !stop; ++n) co_await yield(loop);
}

/// Gives up after a time that is far beyond the interval of measuring.
awaitable<> yield_until_measured(event_loop& loop) {
  const auto begin = loop.now();
  while (loop.counts().lag.count() == 0 && loop.now() < begin + seconds{20}) co_await yield(loop);
}

}  // namespace

TEST_CASE("run returns when nothing is left, and can be called again", "[event_loop]") {
  event_loop loop;
  loop.run();
  int ran = 0;
  loop.post_from_any_thread([&] { ++ran; });
  loop.run();
  loop.post_from_any_thread([&] { ++ran; });
  loop.run();
  CHECK(ran == 2);
}

TEST_CASE("a sleep on the real clock is never early, and the loop's lag is measured meanwhile", "[event_loop]") {
  event_loop loop;
  task_scope scope{loop};
  const instant begin = loop.refresh_now();
  instant woke{};
  scope.spawn("sleeper", sleep_and_leave(loop, lag_probe_every * 2, woke));
  loop.run();
  CHECK(woke >= begin + lag_probe_every * 2);
  CHECK(loop.counts().lag.count() >= 1);
  CHECK(loop.counts().turns.value() >= 2);
  const auto busy = duration{static_cast<duration::rep>(loop.counts().busy_nanoseconds.value())};
  CHECK(busy > duration::zero());
  CHECK(busy < loop.now() - begin);
}

TEST_CASE("the lag of a loop that never sleeps is measured", "[event_loop]") {
  event_loop loop;
  task_scope scope{loop};
  scope.spawn("busy", yield_until_measured(loop));
  loop.run();
  CHECK(loop.counts().lag.count() >= 1);
}

TEST_CASE("a deadline keeps the loop running, one that was cleared does not", "[event_loop]") {
  event_loop loop;
  bool fired = false;
  deadline soon{loop, [&] { fired = true; }};
  deadline distant{loop, [] {}};
  soon.set(loop.refresh_now() + milliseconds{1});
  distant.set(loop.now() + hours{1});
  deadline clearing{loop, [&] { distant.clear(); }};
  clearing.set(loop.now() + milliseconds{2});
  loop.run();
  CHECK(fired);
}

TEST_CASE("a task that waits for another thread keeps the loop running", "[event_loop]") {
  event_loop loop;
  task_scope scope{loop};
  wait_point point{loop, "another thread"};
  scope.spawn("waiter", wait_at(point));
  bool ended = false;
  std::thread other{[&] { loop.post_from_any_thread([&] { ended = point.wake_one(); }); }};
  loop.run();
  other.join();
  // The post may have come before the wait.
  if (!ended) point.wake_all();
  loop.run_ready();
  CHECK(scope.size() == 0);
}

TEST_CASE("posts of several threads all arrive on the loop's thread", "[event_loop]") {
  event_loop loop;
  constexpr int each = 500;
  int arrived = 0;
  const std::thread::id here = std::this_thread::get_id();
  bool elsewhere = false;
  {
    std::vector<std::thread> threads;
    threads.reserve(3);
    for (int n = 0; n < 3; ++n) {
      threads.emplace_back([&] {
        for (int i = 0; i < each; ++i) {
          loop.post_from_any_thread([&] {
            ++arrived;
            elsewhere = elsewhere || std::this_thread::get_id() != here;
          });
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  loop.run();
  CHECK(arrived == 3 * each);
  CHECK_FALSE(elsewhere);
}

TEST_CASE("an exception of a posted function comes out of run, and the rest is still run after it", "[event_loop]") {
  event_loop loop;
  bool after_it = false;
  loop.post_from_any_thread([] { throw std::runtime_error("posted"); });
  loop.post_from_any_thread([&] { after_it = true; });
  CHECK_THROWS_AS(loop.run(), std::runtime_error);
  loop.run();
  CHECK(after_it);
}

TEST_CASE("tasks that are always ready keep neither deadlines nor posts from their turn", "[event_loop]") {
  event_loop loop;
  task_scope scope{loop};
  bool fired = false;
  bool posted = false;
  bool stop = false;
  deadline soon{loop, [&] {
                  fired = true;
                  stop = posted;
                }};
  soon.set(loop.refresh_now() + milliseconds{1});
  loop.post_from_any_thread([&] { posted = true; });
  scope.spawn("busy", yield_often(loop, 100'000'000, stop));
  loop.run();
  CHECK(posted);
  CHECK(fired);
}

TEST_CASE("a manual clock stands still until it is moved", "[event_loop]") {
  still_loop still;
  const instant begin = still.loop.now();
  still.loop.run_ready();
  CHECK(still.loop.refresh_now() == begin);
  still.loop.advance(seconds{3});
  CHECK(still.loop.now() == begin + seconds{3});
  CHECK(still.loop.counts().lag.count() == 0);
}

TEST_CASE("while time moves, each deadline sees its own instant as now", "[event_loop]") {
  still_loop still;
  const instant begin = still.loop.now();
  instant first{};
  instant second{};
  still.scope.spawn("a", sleep_and_leave(still.loop, seconds{1}, first));
  still.scope.spawn("b", sleep_and_leave(still.loop, seconds{2}, second));
  still.loop.advance(hours{1});
  CHECK(first == begin + seconds{1});
  CHECK(second == begin + seconds{2});
  CHECK(still.loop.now() == begin + hours{1});
}

}  // namespace millrace::loop
