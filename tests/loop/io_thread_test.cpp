#include <millrace/loop/io_thread.hpp>

#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "support/catch.hpp"

#include "loop/still_loop.hpp"

namespace millrace::loop {
namespace {

using answer = result<std::string>;

awaitable<> run_and_note(io_thread& io, std::function<answer()> call, diary& happened) {
  const answer received = co_await io.run(std::move(call));
  happened.push_back(received ? *received : "error: " + received.error().text);
}

awaitable<> run_and_close(io_thread& io, std::function<answer()> call, diary& happened) {
  co_await run_and_note(io, std::move(call), happened);
  io.close();
}

awaitable<> run_many_and_close(io_thread& io, task_scope& scope) {
  co_await scope.join();
  io.close();
}

/// Blocks calls until it is opened.
struct latch {
  std::mutex lock;
  std::condition_variable opened;
  bool is_open{false};

  void wait() {
    std::unique_lock hold{lock};
    opened.wait(hold, [this] { return is_open; });
  }
  void open() {
    const std::lock_guard hold{lock};
    is_open = true;
    opened.notify_all();
  }
};

}  // namespace

TEST_CASE("calls run on the I/O thread one after another and answer in order", "[io_thread]") {
  event_loop loop;
  task_scope callers{loop};
  task_scope closing{loop};
  io_thread io{loop, "test thread"};
  diary happened;
  const std::thread::id here = std::this_thread::get_id();
  constexpr int calls = 200;  // more than fit at once
  for (int n = 0; n < calls; ++n) {
    const std::function<answer()> call = [n, here]() -> answer {
      return std::this_thread::get_id() == here ? "on the loop" : std::to_string(n);
    };
    callers.spawn("caller", run_and_note(io, call, happened));
  }
  closing.spawn("closing", run_many_and_close(io, callers));
  loop.run();
  REQUIRE(happened.size() == calls);
  for (int n = 0; n < calls; ++n) CHECK(happened[static_cast<std::size_t>(n)] == std::to_string(n));
}

TEST_CASE("errors and exceptions of a call are its answer", "[io_thread]") {
  event_loop loop;
  task_scope scope{loop};
  io_thread io{loop, "test thread"};
  diary happened;
  const std::function<answer()> failing = []() -> answer { return error{errc::io, "no such file"}; };
  const std::function<answer()> throwing = []() -> answer { throw std::runtime_error("thrown"); };
  scope.spawn("failing", run_and_note(io, failing, happened));
  scope.spawn("throwing", run_and_close(io, throwing, happened));
  loop.run();
  CHECK(happened == diary{"error: no such file", "error: thrown"});
}

TEST_CASE("a closed I/O thread refuses new calls and calls that are not handed over", "[io_thread]") {
  event_loop loop;
  task_scope scope{loop};
  io_thread io{loop, "test thread"};
  diary happened;
  auto closed_latch = std::make_shared<latch>();
  const std::function<answer()> wait_at_latch = [closed_latch]() -> answer {
    closed_latch->wait();
    return "through";
  };
  for (std::size_t n = 0; n < io_thread::calls_max + 1; ++n) {
    scope.spawn("caller", run_and_note(io, wait_at_latch, happened));
  }
  loop.run_ready();
  io.close();
  loop.run_ready();
  CHECK(happened == diary{"error: the I/O thread is closed"});
  closed_latch->open();
  loop.run();
  CHECK(happened.size() == io_thread::calls_max + 1);
}

TEST_CASE("a caller that is cancelled goes at once; its call is not begun if it had not begun", "[io_thread]") {
  event_loop loop;
  task_scope scope{loop};
  io_thread io{loop, "test thread"};
  diary happened;
  auto closed_latch = std::make_shared<latch>();
  auto begun = std::make_shared<std::atomic<int>>(0);
  const std::function<answer()> wait_at_latch = [closed_latch, begun]() -> answer {
    ++*begun;
    closed_latch->wait();
    return "through";
  };
  const task_id first = scope.spawn("first", run_and_note(io, wait_at_latch, happened));
  const task_id second = scope.spawn("second", run_and_note(io, wait_at_latch, happened));
  scope.spawn("third", run_and_close(io, wait_at_latch, happened));
  loop.run_ready();
  while (*begun == 0) std::this_thread::yield();
  loop.cancel(first);
  loop.cancel(second);
  loop.run_ready();
  CHECK(scope.size() == 1);
  closed_latch->open();
  loop.run();
  CHECK(happened == diary{"through"});
  CHECK(*begun == 2);
}

TEST_CASE("a call that never returns is left behind", "[io_thread]") {
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  auto begun = std::make_shared<std::atomic<bool>>(false);
  auto returned = std::make_shared<latch>();
  {
    event_loop loop;
    task_scope scope{loop};
    io_thread io{loop, "test thread"};
    diary happened;
    const std::function<answer()> read_nothing = [from = pipe[0], begun, returned]() -> answer {
      *begun = true;
      char byte = 0;
      const auto count = ::read(from, &byte, 1);
      returned->open();
      return std::to_string(count);
    };
    const task_id id = scope.spawn("stuck", run_and_note(io, read_nothing, happened));
    loop.run_ready();
    while (!*begun) std::this_thread::yield();
    loop.cancel(id);
    io.close();
    loop.run();
    CHECK(happened.empty());
  }
  // The thread outlives the object and the loop, and ends when its call returns.
  REQUIRE(::close(pipe[1]) == 0);
  returned->wait();
  ::close(pipe[0]);
}

}  // namespace millrace::loop
