// Jobs of the handler exec whose command is `true`, beside a bare loop of posix_spawn and waitpid without any pipe,
// with the same number of commands under way.
#include <benchmark/benchmark.h>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <string>
#include <utility>

#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/io_thread.hpp>

#include "handlers/exec.hpp"
#include "loop/child_guard.hpp"
#include "loop/child_launcher.hpp"
#include "loop/task_scope.hpp"

namespace {

using namespace millrace;

/// Commands in one iteration: enough that starting the loop and the guard does not show.
constexpr std::int64_t commands = 400;

constexpr const char* program = "/bin/true";

loop::awaitable<> run_jobs(handlers::exec& handler, std::int64_t count, std::int64_t& done) {
  for (std::int64_t n = 0; n < count; ++n) {
    auto handling = handler.handle({job_id{1}, body{"a body"}, "queue", 1});
    const auto answer = co_await std::move(handling);
    if (answer.has_value()) ++done;
  }
}

void exec_true(benchmark::State& state) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::int64_t concurrency = state.range(0);
  for (auto _ : state) {
    loop::event_loop loop;
    loop::io_thread output{loop, "standard output"};
    output.close();
    loop::child_launcher children{loop, loop::child_guard_command()};
    handlers::exec_options options;
    options.command.push_back(handlers::job_template::parse(program).value());
    handlers::exec handler{options, {loop, output, STDOUT_FILENO, &children}};
    std::int64_t done = 0;
    loop::task_scope jobs{loop};
    for (std::int64_t n = 0; n < concurrency; ++n) jobs.spawn("job", run_jobs(handler, commands / concurrency, done));
    loop.run();
    if (done != commands) state.SkipWithError("a command failed");
  }
  state.SetItemsProcessed(state.iterations() * commands);
}
BENCHMARK(exec_true)->Arg(1)->Arg(8)->UseRealTime();

bool spawn_true() {
  std::string name = program;
  char* arguments[] = {name.data(), nullptr};
  pid_t child = 0;
  return ::posix_spawn(&child, program, nullptr, nullptr, arguments, environ) == 0;
}

void exec_bare_posix_spawn(benchmark::State& state) {
  const std::int64_t concurrency = state.range(0);
  for (auto _ : state) {
    std::int64_t started = 0;
    for (; started < concurrency; ++started) {
      if (!spawn_true()) state.SkipWithError("posix_spawn failed");
    }
    for (std::int64_t ended = 0; ended < commands; ++ended) {
      int status = 0;
      if (::waitpid(-1, &status, 0) < 0 || status != 0) state.SkipWithError("a command failed");
      if (started == commands) continue;
      ++started;
      if (!spawn_true()) state.SkipWithError("posix_spawn failed");
    }
  }
  state.SetItemsProcessed(state.iterations() * commands);
}
BENCHMARK(exec_bare_posix_spawn)->Arg(1)->Arg(8)->UseRealTime();

}  // namespace
