#include "loop/child_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <string>

#include "support/catch.hpp"

#include <millrace/loop/deadline.hpp>

#include "loop/child_fixture.hpp"
#include "loop/still_loop.hpp"
#include "support/await_death.hpp"

namespace millrace::loop {

TEST_CASE("a child reads its input, and its output, error and exit status come back", "[child_process]") {
  const auto ended = run(shell("cat; echo problem >&2; exit 3"), "some input");
  REQUIRE(ended.has_value());
  CHECK(ended->output == "some input");
  CHECK(ended->errors == "problem\n");
  CHECK(ended->exit.status == 3);
  CHECK(text_of(ended->exit) == "exit status 3");
}

TEST_CASE("a signal that ends a child is named", "[child_process]") {
  const auto ended = run(shell("kill -SEGV $$"));
  REQUIRE(ended.has_value());
  CHECK(ended->exit.by_signal());
  CHECK(text_of(ended->exit) == "killed by SIGSEGV");
}

TEST_CASE("a child that ignores SIGTERM gets SIGKILL after the time that it was given", "[child_process]") {
  children all;
  std::string text;
  child_exit exit;
  const auto body = [](child_launcher& launcher, std::string& said, child_exit& end) -> awaitable<> {
    auto started = co_await launcher.start(shell("trap '' TERM; echo ready; while :; do sleep 60; done"));
    std::array<char, 64> buffer{};
    said.assign(buffer.data(), co_await started->read(child_stream::output, buffer));
    started->end(milliseconds{50});
    end = co_await started->ended();
  };
  all.scope.spawn("command", body(all.launcher, text, exit));
  all.loop.run();
  CHECK(text.starts_with("ready"));
  CHECK(exit.signal == SIGKILL);
}

TEST_CASE("a child that ends at SIGTERM is not waited for until the time is over", "[child_process]") {
  children all;
  child_exit exit;
  const auto body = [](child_launcher& launcher, child_exit& end) -> awaitable<> {
    auto started = co_await launcher.start(long_sleep());
    started->end(hours{24});
    end = co_await started->ended();
  };
  all.scope.spawn("command", body(all.launcher, exit));
  all.loop.run();
  CHECK(exit.signal == SIGTERM);
}

TEST_CASE("after SIGTERM the rest of a group may end by itself, if it keeps the output open", "[child_process]") {
  children all;
  std::string text;
  const auto body = [](child_launcher& launcher, std::string& said) -> awaitable<> {
    auto started = co_await launcher.start(shell(
        "sh -c 'trap \"sleep 0.1; echo cleaned up; exit\" TERM; echo ready; while :; do sleep 0.01; done' & wait"));
    std::array<char, 64> buffer{};
    said.assign(buffer.data(), co_await started->read(child_stream::output, buffer));
    started->end(hours{24});
    co_await started->ended();
    co_await read_all(*started, child_stream::output, said);
  };
  all.scope.spawn("command", body(all.launcher, text));
  all.loop.run();
  CHECK(text == "ready\ncleaned up\n");
}

TEST_CASE("what a child leaves in its group is killed when it ends", "[child_process]") {
  const auto ended = run(shell("sleep 1000 & echo $!"));
  REQUIRE(ended.has_value());
  await_death(static_cast<pid_t>(std::stoi(ended->output)));
}

TEST_CASE("a child whose owner goes away is killed with its group, and reaped", "[child_process]") {
  children all;
  pid_t grandchild = 0;
  const auto body = [](child_launcher& launcher, pid_t& left) -> awaitable<> {
    auto started = co_await launcher.start(shell("sleep 1000 & echo $!; wait"));
    std::array<char, 64> buffer{};
    const std::size_t bytes = co_await started->read(child_stream::output, buffer);
    left = static_cast<pid_t>(std::stoi(std::string{buffer.data(), bytes}));
  };
  all.scope.spawn("command", body(all.launcher, grandchild));
  all.loop.run();
  CHECK(all.launcher.running() == 0);
  CHECK_FALSE(has_children());
  await_death(grandchild);
}

TEST_CASE("a loop that is destroyed reaps its children", "[child_process]") {
  {
    event_loop loop;
    child_launcher launcher{loop};
    task_scope scope{loop};
    const auto body = [](child_launcher& starting) -> awaitable<> {
      auto started = co_await starting.start(long_sleep());
      static_cast<void>(co_await started->ended());
    };
    scope.spawn("command", body(launcher));
    while (launcher.running() == 0) loop.run_ready();
    scope.cancel();
    while (scope.size() > 0) loop.run_ready();
  }
  CHECK_FALSE(has_children());
}

TEST_CASE("a task that is cancelled while it waits for a child ends at once", "[child_process]") {
  for (const bool reading : {false, true}) {
    children all;
    std::string end;
    const auto body = [](child_launcher& launcher, bool reads) -> awaitable<> {
      auto started = co_await launcher.start(long_sleep());
      std::array<char, 16> buffer{};
      if (reads) co_await started->read(child_stream::output, buffer);
      static_cast<void>(co_await started->ended());
    };
    all.scope.spawn("command", noting_the_end(body(all.launcher, reading), end));
    const auto cancelling = [](children& running) -> awaitable<> {
      while (running.launcher.running() == 0) co_await yield(running.loop);
      running.scope.cancel();
    };
    task_scope other{all.loop};
    other.spawn("cancels", cancelling(all));
    all.loop.run();
    CHECK(end == "cancelled");
    CHECK_FALSE(has_children());
  }
}

TEST_CASE("a child that starts before the event of a closed descriptor was handled runs to its end",
          "[child_process]") {
  children all;
  using descriptor = boost::asio::posix::basic_stream_descriptor<executor>;
  std::vector<descriptor> readers;
  std::vector<owned_descriptor> writers;
  for (int n = 0; n < 2; ++n) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    readers.emplace_back(all.loop.get_executor(), ends[0]);
    writers.emplace_back(ends[1]);
  }
  result<finished> outcome = error{errc::cancelled, "it never ended"};
  const auto close_and_start = [&]() -> awaitable<> {
    co_await readers[0].async_wait(descriptor::wait_read, use_awaitable);
    // The loop has the events of both. Asio gives the state of the second, and its event, to the pidfd of the child.
    readers[1].close();
    co_await run_command(all.launcher, shell("sleep 0.1; exit 3"), {}, outcome);
  };
  all.scope.spawn("closes", close_and_start());
  for (auto& writer : writers) writer.close();
  all.loop.run();
  REQUIRE(outcome.has_value());
  CHECK(text_of(outcome->exit) == "exit status 3");
}

TEST_CASE("a child that does not read its input makes the write an error, no signal", "[child_process]") {
  const auto ended = run(shell("exec <&-; echo done"), std::string(std::size_t{1} << 20U, 'x'));
  REQUIRE(ended.has_value());
  CHECK(ended->output == "done\n");
  CHECK(ended->exit.status == 0);
}

}  // namespace millrace::loop
