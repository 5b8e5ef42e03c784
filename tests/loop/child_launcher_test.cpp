#include "loop/child_launcher.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"

#include <millrace/loop/deadline.hpp>

#include "loop/child_fixture.hpp"
#include "loop/still_loop.hpp"

namespace millrace::loop {

TEST_CASE("a program that cannot run is an error that says why, and leaves nothing behind", "[child_launcher]") {
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
          "[child_launcher]") {
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

TEST_CASE("a signal to the group of the daemon does not end a program that starts", "[child_launcher]") {
  static_cast<void>(::setpgid(0, 0));  // the group of the runner of the tests is not to get it
  REQUIRE(::getpgrp() == ::getpid());
  const auto before = std::signal(SIGTERM, [](int) {});
  int ended = 0;
  {
    const std::jthread signalling{[](const std::stop_token& stop) {
      while (!stop.stop_requested()) ::kill(0, SIGTERM);
    }};
    for (int n = 0; n < 50; ++n) {
      const auto one = run(nothing());
      if (one && !one->exit.by_signal()) ++ended;
    }
  }
  std::signal(SIGTERM, before);
  CHECK(ended == 50);
}

TEST_CASE("a start that does not come to an end holds no other one", "[child_launcher]") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
  const owned_descriptor read_end{ends[0]};
  const owned_descriptor full{ends[1]};
  std::array<char, 4'096> bytes{};
  while (::write(full.get(), bytes.data(), bytes.size()) > 0) {
  }
  REQUIRE(::fcntl(full.get(), F_SETFL, 0) == 0);
  const owned_descriptor null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  std::atomic<bool> is_over{false};
  {
    // The child waits for capacity in the pipe before it runs its program.
    const std::jthread stuck{[&] {
      const auto started = spawn(nothing(), {null.get(), null.get(), null.get(), full.get()});
      if (started) ::waitpid(started->id, nullptr, 0);
      is_over = true;
    }};
    while (!has_children()) std::this_thread::yield();
    const auto other = spawn(nothing(), {null.get(), null.get(), null.get()});
    CHECK_FALSE(is_over);
    REQUIRE(other.has_value());
    ::waitpid(other->id, nullptr, 0);
    while (::read(read_end.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) && !is_over) {
    }
  }
  CHECK_FALSE(has_children());
}

TEST_CASE("a task that is cancelled while its program starts leaves no process and no descriptor", "[child_launcher]") {
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

TEST_CASE("without a free descriptor a start is an error at each step, and nothing is lost", "[child_launcher]") {
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

TEST_CASE("ten thousand short children leave no process and no descriptor", "[child_launcher]") {
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
