#include "loop/signals.hpp"

#include <algorithm>
#include <csignal>

#include "support/catch.hpp"

#include "loop/still_loop.hpp"

namespace millrace::loop {
namespace {

awaitable<> take_signals(signals& arriving, int count, std::vector<int>& taken) {
  for (int n = 0; n < count; ++n) {
    const int number = co_await arriving.next();
    taken.push_back(number);
  }
}

}  // namespace

TEST_CASE("a signal arrives as the answer of an await", "[signals]") {
  still_loop still;
  signals arriving{still.loop, {SIGTERM, SIGINT, SIGHUP, SIGUSR1}};
  std::vector<int> taken;
  still.scope.spawn("signals", take_signals(arriving, 2, taken));
  still.loop.run_ready();
  CHECK(still.loop.tasks().at(0).waits_for == "a signal");
  std::raise(SIGTERM);
  still.loop.run_ready();
  CHECK(taken == std::vector<int>{SIGTERM});
  std::raise(SIGHUP);
  still.loop.run_ready();
  CHECK(taken == std::vector<int>{SIGTERM, SIGHUP});
}

TEST_CASE("signals that arrive while nobody waits are kept", "[signals]") {
  still_loop still;
  signals arriving{still.loop, {SIGTERM, SIGINT}};
  std::raise(SIGTERM);
  std::raise(SIGINT);
  std::vector<int> taken;
  still.scope.spawn("signals", take_signals(arriving, 2, taken));
  still.loop.run_ready();
  std::sort(taken.begin(), taken.end());
  CHECK(taken == std::vector<int>{SIGINT, SIGTERM});
}

TEST_CASE("waiting for a signal can be cancelled", "[signals]") {
  still_loop still;
  signals arriving{still.loop, {SIGUSR1}};
  std::vector<int> taken;
  std::string end;
  const task_id id = still.scope.spawn("signals", noting_the_end(take_signals(arriving, 1, taken), end));
  still.loop.run_ready();
  still.loop.cancel(id);
  still.loop.run_ready();
  CHECK(end == "cancelled");
}

TEST_CASE("signals have their old meaning again when nobody takes them any more", "[signals]") {
  struct sigaction before {};
  before.sa_handler = SIG_IGN;
  ::sigaction(SIGUSR2, &before, nullptr);
  {
    still_loop still;
    signals arriving{still.loop, {SIGUSR2}};
    struct sigaction during {};
    ::sigaction(SIGUSR2, nullptr, &during);
    CHECK(during.sa_handler != SIG_IGN);
  }
  struct sigaction after {};
  ::sigaction(SIGUSR2, nullptr, &after);
  CHECK(after.sa_handler == SIG_IGN);
}

}  // namespace millrace::loop
