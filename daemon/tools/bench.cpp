#include "tools/bench.hpp"

#include <sys/resource.h>

#include <cstdio>
#include <random>
#include <utility>

#include <millrace/loop/event_loop.hpp>

#include "loop/task_scope.hpp"
#include "tools/bench_arguments.hpp"
#include "tools/load.hpp"
#include "tools/measured.hpp"
#include "tools/progress.hpp"
#include "tools/report.hpp"

namespace millrace::tools {
namespace {

/// As many descriptors as the system lets this user have: each connection is one.
void raise_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// All the runs that were asked for, one after another.
class benchmark {
 public:
  explicit benchmark(const bench_options& options) : options_{options}, progress_{loop_, options.quiet} {
    servers_.push_back({write_address(options.server), {}});
    if (options.against) servers_.push_back({write_address(*options.against), {}});
  }

  exit_code run() {
    loop::task_scope tasks{loop_};
    tasks.spawn("bench", all_runs(*this));
    loop_.run();
    return code_;
  }

 private:
  static loop::awaitable<> all_runs(benchmark& self) {
    bool going = true;
    for (std::uint32_t at = 0; going && at < self.options_.repeat; ++at) {
      // Whoever comes first in one pair comes second in the next: neither has the warmer machine.
      const std::size_t first = at % self.servers_.size();
      for (std::size_t turn = 0; going && turn < self.servers_.size(); ++turn)
        going = co_await self.one_run(at, (first + turn) % self.servers_.size());
    }
    self.progress_.clear();
    if (going) self.print();
  }

  loop::awaitable<bool> one_run(std::uint32_t at, std::size_t which) {
    auto& server = servers_[which];
    std::string heading = server.server;
    if (options_.repeat > 1) heading += "  run " + std::to_string(at + 1) + " of " + std::to_string(options_.repeat);
    progress_.heading(heading + "  ");
    load once{loop_, options_, which == 0 ? options_.server : *options_.against, random_(), progress_};
    auto came = co_await once.run();
    progress_.clear();
    if (!came) {
      std::fprintf(stderr, "millrace bench: %s\n", came.error().text.c_str());
      code_ = came.error().code == errc::not_found ? exit_code::no_connection : exit_code::failed;
      co_return false;
    }
    if (options_.repeat > 1 && !options_.json)
      std::printf("%s  %s\n", heading.c_str(), line_of(*came, options_).c_str());
    std::fflush(stdout);
    server.runs.push_back(std::move(*came));
    co_return true;
  }

  void print() {
    const std::string text = options_.json ? json_of(servers_, options_) : table_of(servers_, options_);
    if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) {
      std::perror("millrace bench: standard output");
      code_ = exit_code::failed;
    }
  }

  const bench_options& options_;
  loop::event_loop loop_;
  progress progress_;
  std::random_device random_;
  std::vector<measured> servers_;
  exit_code code_{exit_code::done};
};

}  // namespace

exit_code bench(const std::vector<std::string>& words) {
  const auto read = read_bench_arguments(words);
  if (const auto* bye = std::get_if<farewell>(&read)) {
    std::fputs(bye->text.c_str(), bye->code == exit_code::done ? stdout : stderr);
    return bye->code;
  }
  raise_descriptors();
  benchmark all{std::get<bench_options>(read)};
  return all.run();
}

}  // namespace millrace::tools
