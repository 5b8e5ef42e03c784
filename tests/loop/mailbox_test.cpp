#include "loop/mailbox.hpp"

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "support/catch.hpp"

#include "loop/still_loop.hpp"

namespace millrace::loop {

TEST_CASE("many rings before a turn are one delivery", "[mailbox]") {
  still_loop still;
  int deliveries = 0;
  mailbox box{still.loop, [&] { ++deliveries; }};
  for (int n = 0; n < 100; ++n) box.ring();
  CHECK(deliveries == 0);
  still.loop.run_ready();
  CHECK(deliveries == 1);
  box.ring();
  still.loop.run_ready();
  CHECK(deliveries == 2);
  box.close();
}

TEST_CASE("what several threads leave before they ring is all delivered", "[mailbox]") {
  event_loop loop;
  constexpr int threads_count = 4;
  constexpr int each = 5'000;
  std::atomic<int> left{0};
  int taken = 0;
  int deliveries = 0;
  std::optional<mailbox> box;
  box.emplace(loop, [&] {
    ++deliveries;
    taken += left.exchange(0);
    if (taken == threads_count * each) box->close();
  });
  std::vector<std::thread> threads;
  threads.reserve(threads_count);
  for (int n = 0; n < threads_count; ++n) {
    threads.emplace_back([&] {
      for (int i = 0; i < each; ++i) {
        left.fetch_add(1);
        box->ring();
      }
    });
  }
  loop.run();
  for (std::thread& thread : threads) thread.join();
  CHECK(taken == threads_count * each);
  CHECK(deliveries <= threads_count * each);
}

TEST_CASE("an open mailbox keeps the loop running until it is closed", "[mailbox]") {
  event_loop loop;
  int deliveries = 0;
  std::optional<mailbox> box;
  box.emplace(loop, [&] {
    ++deliveries;
    box->close();
  });
  std::thread other{[&] { box->ring(); }};
  loop.run();
  other.join();
  CHECK(deliveries == 1);
}

TEST_CASE("a closed mailbox delivers nothing, also when it is gone before its last ring arrives", "[mailbox]") {
  still_loop still;
  int deliveries = 0;
  {
    mailbox box{still.loop, [&] { ++deliveries; }};
    box.ring();
    box.close();
    box.ring();
  }
  still.loop.run_ready();
  CHECK(deliveries == 0);
}

TEST_CASE("ringing while it delivers asks for another delivery", "[mailbox]") {
  still_loop still;
  int deliveries = 0;
  std::optional<mailbox> box;
  box.emplace(still.loop, [&] {
    if (++deliveries < 3) box->ring();
  });
  box->ring();
  still.loop.run_ready();
  CHECK(deliveries == 3);
  box->close();
}

}  // namespace millrace::loop
