#include "loop/child_guard.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "support/catch.hpp"

#include <millrace/loop/deadline.hpp>

#include "loop/child_launcher.hpp"
#include "loop/task_scope.hpp"

namespace millrace::loop {
namespace {

/// A process group of one process that sleeps. It is killed and reaped at the end.
class sleeping_group {
 public:
  sleeping_group() : id_{::fork()} {
    if (id_ == 0) {
      ::setpgid(0, 0);
      for (;;) ::pause();
    }
    ::setpgid(id_, id_);
  }
  ~sleeping_group() {
    ::kill(id_, SIGKILL);
    if (!reaped_) ::waitpid(id_, nullptr, 0);
  }
  sleeping_group(const sleeping_group&) = delete;
  sleeping_group& operator=(const sleeping_group&) = delete;

  [[nodiscard]] pid_t id() const noexcept { return id_; }
  /// Waits for its end.
  [[nodiscard]] int signal_that_ended_it() {
    int status = 0;
    ::waitpid(id_, &status, 0);
    reaped_ = true;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }
  [[nodiscard]] bool runs() const {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(id_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
  }

 private:
  pid_t id_;
  bool reaped_{false};
};

void send(int descriptor, group_record record) {
  REQUIRE(::write(descriptor, &record, sizeof record) == static_cast<ssize_t>(sizeof record));
}

/// A guard that writes the records that it gets into a file.
struct recording_guard {
  recording_guard() {
    const int file = ::mkstemp(path.data());
    REQUIRE(file >= 0);
    ::close(file);
  }
  ~recording_guard() { ::unlink(path.c_str()); }
  recording_guard(const recording_guard&) = delete;
  recording_guard& operator=(const recording_guard&) = delete;

  [[nodiscard]] std::vector<std::string> command() const { return {"/bin/sh", "-c", "exec cat >> " + path}; }
  [[nodiscard]] std::vector<group_record> records() const {
    std::ifstream file{path, std::ios::binary};
    std::vector<group_record> all;
    for (group_record record; file.read(reinterpret_cast<char*>(&record), sizeof record);) all.push_back(record);
    return all;
  }

  std::string path{"/tmp/millrace-guard-XXXXXX"};
};

}  // namespace

TEST_CASE("the guard kills the groups that have not ended when its pipe is closed", "[child_guard]") {
  sleeping_group left;
  sleeping_group ended;
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const pid_t guard = ::fork();
  if (guard == 0) {
    ::close(ends[1]);
    ::_exit(run_child_guard(ends[0]));
  }
  ::close(ends[0]);
  send(ends[1], {left.id(), 1});
  // More records than the guard reads at a time.
  for (int n = 0; n < 1'000; ++n) {
    send(ends[1], {ended.id(), 1});
    send(ends[1], {ended.id(), 0});
  }
  CHECK(left.runs());
  ::close(ends[1]);
  int status = -1;
  CHECK(::waitpid(guard, &status, 0) == guard);
  CHECK(status == 0);
  CHECK(left.signal_that_ended_it() == SIGKILL);
  CHECK(ended.runs());
}

TEST_CASE("a guard starts with the first child, gets a record of each, and is replaced if killed", "[child_guard]") {
  std::signal(SIGPIPE, SIG_IGN);
  const recording_guard recording;
  std::vector<pid_t> guards;
  std::vector<pid_t> programs;
  {
    event_loop loop;
    task_scope scope{loop};
    child_launcher launcher{loop, recording.command()};
    CHECK(launcher.guard() == 0);
    const auto body = [](event_loop& own_loop, child_launcher& all, const recording_guard& file,
                         std::vector<pid_t>& guard_ids, std::vector<pid_t>& program_ids) -> awaitable<> {
      child_command long_program{{"/bin/sleep", "1000"}, {}, {}};
      auto first = co_await all.start(long_program);
      guard_ids.push_back(all.guard());
      auto second = co_await all.start(long_program);
      guard_ids.push_back(all.guard());
      while (file.records().size() < 2) co_await sleep_for(own_loop, milliseconds{5});
      ::kill(all.guard(), SIGKILL);
      siginfo_t ended{};
      ::waitid(P_PID, static_cast<id_t>(all.guard()), &ended, WEXITED | WNOWAIT);
      second->kill();
      co_await second->ended();
      auto third = co_await all.start(long_program);
      guard_ids.push_back(all.guard());
      program_ids = {first->id(), second->id(), third->id()};
      // Without a program there is no group.
      child_command missing{{"/no/such/program"}, {}, {}};
      CHECK((co_await all.start(missing)).has_error());
      first->kill();
      third->kill();
      co_await first->ended();
      co_await third->ended();
    };
    scope.spawn("children", body(loop, launcher, recording, guards, programs));
    loop.run();
  }
  REQUIRE(guards.size() == 3);
  CHECK(guards[0] == guards[1]);
  CHECK(guards[2] != guards[1]);
  siginfo_t info{};
  CHECK((::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == -1 && errno == ECHILD));

  // The last guard learned of the first program again, and never of the second.
  const auto records = recording.records();
  const auto count = [&](pid_t group, int alive) {
    return std::ranges::count_if(
        records, [&](const group_record& record) { return record.group == group && record.alive == alive; });
  };
  CHECK(count(programs[0], 1) == 2);
  CHECK(count(programs[1], 1) == 1);
  CHECK(count(programs[2], 1) == 1);
  CHECK(count(programs[0], 0) == 1);
  CHECK(count(programs[2], 0) == 1);
  std::vector<pid_t> alive;
  for (const auto& record : records) {
    if (record.alive != 0)
      alive.push_back(record.group);
    else
      std::erase(alive, record.group);
  }
  // The killed guard cannot write down the end of the second one.
  CHECK(alive == std::vector<pid_t>{programs[1]});
}

TEST_CASE("a group announced to a guard that was replaced since is announced to the new one", "[child_guard]") {
  std::signal(SIGPIPE, SIG_IGN);
  const recording_guard recording;
  constexpr pid_t group = 987'654'321;  // none that exists
  {
    child_guard guard{recording.command()};
    const auto first = guard.announce_to();
    REQUIRE(first.has_value());
    REQUIRE(::kill(guard.id(), SIGKILL) == 0);
    siginfo_t ended{};
    ::waitid(P_PID, static_cast<id_t>(guard.id()), &ended, WEXITED | WNOWAIT);
    const auto second = guard.announce_to();
    REQUIRE(second.has_value());
    CHECK(*second != *first);
    guard.begun(group, *first);
    guard.begun(group + 1, *second);  // the child has written this one itself
  }
  const auto records = recording.records();
  REQUIRE(records.size() == 1);
  CHECK(records.front().group == group);
  CHECK(records.front().alive == 1);
}

}  // namespace millrace::loop
