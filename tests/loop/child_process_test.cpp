#include "loop/child_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "support/catch.hpp"

#include <millrace/loop/deadline.hpp>

#include "loop/child_launcher.hpp"
#include "loop/still_loop.hpp"
#include "support/await_death.hpp"

namespace millrace::loop {
namespace {

const std::string test_path = "PATH=/usr/local/bin:/usr/bin:/bin";

child_command long_sleep() { return {{"sleep", "1000"}, {test_path}, {}}; }
child_command nothing() { return {{"/bin/true"}, {}, {}}; }
child_command shell(std::string script) { return {{"sh", "-c", std::move(script)}, {test_path}, {}}; }

struct children {
  event_loop loop;
  task_scope scope{loop};
  child_launcher launcher{loop};

  children() { std::signal(SIGPIPE, SIG_IGN); }
};

struct finished {
  child_exit exit;
  std::string output;
  std::string errors;
};

awaitable<> read_all(child_process& child, child_stream stream, std::string& text) {
  std::array<char, 4'096> buffer{};
  for (;;) {
    const std::size_t bytes = co_await child.read(stream, buffer);
    if (bytes == 0) co_return;
    text.append(buffer.data(), bytes);
  }
}

awaitable<> run_command(child_launcher& launcher, child_command command, std::string input, result<finished>& outcome) {
  auto started = co_await launcher.start(std::move(command));
  if (!started) {
    outcome = started.error();
    co_return;
  }
  static_cast<void>(co_await started->write(input));
  started->close_input();
  finished made;
  co_await read_all(*started, child_stream::output, made.output);
  co_await read_all(*started, child_stream::error, made.errors);
  made.exit = co_await started->ended();
  outcome = std::move(made);
}

result<finished> run(child_command command, std::string input = {}) {
  children all;
  result<finished> outcome = error{errc::cancelled, "it never ended"};
  all.scope.spawn("command", run_command(all.launcher, std::move(command), std::move(input), outcome));
  all.loop.run();
  CHECK(all.launcher.running() == 0);
  return outcome;
}

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all{"/proc/self/fd"};
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

bool has_children() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

}  // namespace

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

TEST_CASE("a program that cannot run is an error that says why, and leaves nothing behind", "[child_process]") {
  const auto text_for = [](const child_command& command) {
    const std::size_t before = open_descriptors();
    const auto ended = run(command);
    CHECK(open_descriptors() == before);
    CHECK_FALSE(has_children());
    return ended ? "it ran" : ended.error().text;
  };
  CHECK(text_for({{"no-such-program"}, {test_path}, {}}) == "the program 'no-such-program' is in no directory of PATH");
  CHECK(text_for({{"/no/such/program"}, {}, {}}) == "the program '/no/such/program' does not exist");
  CHECK(text_for({{"/etc/passwd"}, {}, {}}).starts_with("the program '/etc/passwd' cannot be started: Perm"));
  CHECK(text_for({{"true"}, {test_path}, "/no/such"}).starts_with("the directory '/no/such' cannot be entered: No su"));
  CHECK(text_for({{"true", std::string(std::size_t{4} << 20U, 'x')}, {test_path}, {}}) ==
        "the arguments and the environment of 'true' are too long");
  CHECK(text_for({{std::string{"tr\0ue", 5}}, {test_path}, {}}).starts_with("a NUL byte cannot be part"));
  CHECK(text_for({}) == "the command is empty");
}

TEST_CASE("a child has its directory, its environment and three descriptors, and no signal is ignored or blocked",
          "[child_process]") {
  auto command =
      shell("pwd; echo $NAME; ls /proc/self/fd | wc -l; grep -E '^Sig(Blk|Ign)' /proc/self/status; ulimit -n");
  command.environment.emplace_back("NAME=a value");
  command.directory = "/usr";
  // The limit of a daemon, as far as this process may raise it.
  rlimit files{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &files) == 0);
  const auto ended = run(command);
  REQUIRE(ended.has_value());
  std::istringstream lines{ended->output};
  std::vector<std::string> all;
  for (std::string line; std::getline(lines, line);) all.push_back(line);
  REQUIRE(all.size() == 6);
  CHECK(all[0] == "/usr");
  CHECK(all[1] == "a value");
  CHECK(all[2] == "4");  // the fourth is that of the directory which ls reads
  CHECK(all[3] == "SigBlk:\t0000000000000000");
  CHECK(all[4] == "SigIgn:\t0000000000000000");
  CHECK(std::stoul(all[5]) <= 1'024);
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

TEST_CASE("a task that is cancelled while its program starts leaves no process and no descriptor", "[child_process]") {
  static_cast<void>(run(nothing()));
  const std::size_t before = open_descriptors();
  // Before the thread has the start, while it starts the program, and when the answer is on its way to the loop.
  for (int pause = 0; pause < 2'000; pause += 20) {
    children all;
    std::string first_end;
    std::string second_end;
    const auto body = [](child_launcher& launcher) -> awaitable<> {
      auto started = co_await launcher.start(long_sleep());
      static_cast<void>(co_await started->ended());
    };
    all.scope.spawn("first", noting_the_end(body(all.launcher), first_end));
    all.scope.spawn("second", noting_the_end(body(all.launcher), second_end));
    const auto cancelling = [](children& running, duration length) -> awaitable<> {
      co_await sleep_for(running.loop, length);
      running.scope.cancel();
    };
    task_scope other{all.loop};
    other.spawn("cancels", cancelling(all, microseconds{pause}));
    all.loop.run();
    CHECK(first_end == "cancelled");
    CHECK(second_end == "cancelled");
    CHECK(all.launcher.running() == 0);
    CHECK_FALSE(has_children());
  }
  CHECK(open_descriptors() == before);
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

TEST_CASE("without a free descriptor a start is an error at each step, and nothing is lost", "[child_process]") {
  static_cast<void>(run(nothing()));
  const std::size_t before = open_descriptors();
  rlimit files{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &files) == 0);
  unsigned failures = 0;
  constexpr unsigned descriptors_of_a_start = 7;  // three pipes and the pidfd
  for (unsigned spare = 0; spare < descriptors_of_a_start; ++spare) {
    children all;
    result<finished> outcome = error{errc::cancelled, "it never ended"};
    all.scope.spawn("command", run_command(all.launcher, nothing(), {}, outcome));
    const int lowest = ::dup(STDIN_FILENO);
    ::close(lowest);
    rlimit tight = files;
    tight.rlim_cur = static_cast<rlim_t>(lowest) + spare;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
    all.loop.run();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &files) == 0);
    if (outcome.has_error() && outcome.error().text.find("Too many open files") != std::string::npos) ++failures;
  }
  CHECK(failures == descriptors_of_a_start);
  CHECK(open_descriptors() == before);
  CHECK_FALSE(has_children());
}

TEST_CASE("ten thousand short children leave no process and no descriptor", "[child_process]") {
  constexpr int slots = 8;
  constexpr int children_of_a_slot = 1'250;
  children all;
  const std::size_t before = open_descriptors();
  int ended = 0;
  const auto slot = [](child_launcher& launcher, int& count) -> awaitable<> {
    for (int n = 0; n < children_of_a_slot; ++n) {
      auto started = co_await launcher.start(nothing());
      if (!started) throw std::runtime_error{started.error().text};
      const auto exit = co_await started->ended();
      if (exit.status == 0 && !exit.by_signal()) ++count;
    }
  };
  for (int n = 0; n < slots; ++n) all.scope.spawn("slot", slot(all.launcher, ended));
  all.loop.run();
  CHECK(ended == slots * children_of_a_slot);
  CHECK(all.launcher.running() == 0);
  CHECK(open_descriptors() == before);
  CHECK_FALSE(has_children());
}

}  // namespace millrace::loop
