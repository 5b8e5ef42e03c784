#pragma once

// Programs that a test starts, and what they leave.

#include <sys/wait.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

#include "loop/child_launcher.hpp"
#include "loop/task_scope.hpp"

namespace millrace::loop {

inline const std::string test_path = "PATH=/usr/local/bin:/usr/bin:/bin";

inline child_command long_sleep() { return {{"sleep", "1000"}, {test_path}, {}}; }
inline child_command nothing() { return {{"/bin/true"}, {}, {}}; }
inline child_command shell(std::string script) { return {{"sh", "-c", std::move(script)}, {test_path}, {}}; }

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

inline awaitable<> read_all(child_process& child, child_stream stream, std::string& text) {
  std::array<char, 4'096> buffer{};
  for (;;) {
    const std::size_t bytes = co_await child.read(stream, buffer);
    if (bytes == 0) co_return;
    text.append(buffer.data(), bytes);
  }
}

inline awaitable<> run_command(child_launcher& launcher, child_command command, std::string input,
                               result<finished>& outcome) {
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

inline result<finished> run(child_command command, std::string input = {}) {
  children all;
  result<finished> outcome = error{errc::cancelled, "it never ended"};
  all.scope.spawn("command", run_command(all.launcher, std::move(command), std::move(input), outcome));
  all.loop.run();
  CHECK(all.launcher.running() == 0);
  return outcome;
}

inline std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all{"/proc/self/fd"};
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

inline bool has_children() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

}  // namespace millrace::loop
