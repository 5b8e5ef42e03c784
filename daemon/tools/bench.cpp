#include "tools/bench.hpp"

#include <sys/resource.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <deque>
#include <exception>
#include <fstream>
#include <initializer_list>
#include <optional>
#include <random>
#include <utility>

#include <millrace/loop/event_loop.hpp>

#include "base/system_message.hpp"
#include "loop/signals.hpp"
#include "loop/task_scope.hpp"
#include "tools/bench_arguments.hpp"
#include "tools/bench_fixture.hpp"
#include "tools/job_mark.hpp"
#include "tools/load.hpp"
#include "tools/progress.hpp"
#include "tools/report.hpp"
#include "tools/server_result.hpp"

namespace millrace::tools {
namespace {

/// Raises the limit of descriptors as far as the system allows, because each connection needs one.
void raise_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::vector<std::string> names_of_queues(const bench_options& options, std::uint32_t number) {
  if (!options.queue.empty()) return {options.queue};
  std::array<char, 8> run{};
  job_mark::write_hex(number, run.data());
  std::vector<std::string> names;
  for (std::uint32_t at = 1; at <= options.queues; ++at)
    names.push_back("bench-" + std::string{run.data(), run.size()} + "-" + std::to_string(at));
  return names;
}

/// All runs of one call, one after another, with the fixtures of the servers.
class benchmark {
 public:
  explicit benchmark(const bench_options& options)
      : options_{options},
        number_{std::random_device{}()},
        queues_{names_of_queues(options, number_)},
        progress_{loop_, options.quiet} {
    add(options.server);
    if (options.against) add(*options.against);
  }

  exit_code run() {
    loop::task_scope tasks{loop_};
    loop::task_scope watchers{loop_};
    watchers.spawn("signals", hear_signals(*this));
    tasks.spawn("bench", live(*this, watchers));
    loop_.run();
    return code_;
  }

 private:
  struct opponent {
    const network::address& address;
    bench_fixture fixture;
    server_result measured;
  };

  void add(const network::address& server) {
    servers_.push_back({server, {loop_, options_, server, number_, queues_, progress_}, {write_address(server), {}}});
  }

  static loop::awaitable<> live(benchmark& self, loop::task_scope& watchers) {
    bool done = false;
    try {
      done = co_await self.all_runs();
    } catch (const std::exception& failure) {
      // Caught, because `watchers` would otherwise wait for signals without end.
      self.fail({errc::io, message_of(failure)}, exit_code::out_of_resources);
    }
    // A failed run leaves jobs behind. A queue with a given name may have jobs of others, so it is not emptied.
    const bool leftovers = !done && self.code_ != exit_code::no_connection && self.options_.queue.empty();
    try {
      for (auto& server : self.servers_) {
        const auto removed = co_await server.fixture.tear_down(leftovers);
        if (!removed && done) self.fail(removed.error());
      }
    } catch (const std::exception& failure) {
      if (done) self.fail({errc::io, message_of(failure)}, exit_code::out_of_resources);
    }
    self.progress_.clear();
    watchers.cancel();
    co_await watchers.join();
    if (done) self.print();
  }

  static loop::awaitable<> hear_signals(benchmark& self) {
    co_await self.signals_->next();
    self.interrupted_ = true;
    self.progress_.interrupt();
    self.signals_.reset();  // the next one ends the program
  }

  loop::awaitable<bool> all_runs() {
    for (auto& server : servers_) {
      progress_.heading(server.measured.server + "  ");
      const auto made = co_await server.fixture.set_up();
      if (!made) co_return fail(made.error());
    }
    for (std::uint32_t at = 0; at < options_.repeat; ++at) {
      // The order alternates from pair to pair, so that a warm machine favours neither server.
      const std::size_t first = at % servers_.size();
      for (std::size_t turn = 0; turn < servers_.size(); ++turn) {
        if (interrupted_) co_return fail({errc::cancelled, "interrupted"});
        const bool ran = co_await one_run(at, servers_[(first + turn) % servers_.size()]);
        if (!ran) co_return false;
      }
    }
    co_return true;
  }

  loop::awaitable<bool> one_run(std::uint32_t at, opponent& server) {
    std::string heading = server.measured.server + "  ";
    if (options_.repeat > 1)
      heading += "run " + std::to_string(at + 1) + " of " + std::to_string(options_.repeat) + "  ";
    progress_.heading(heading);
    load once{loop_, options_, server.address, number_, queues_, progress_};
    auto measured = co_await once.run();
    if (!measured) co_return fail(measured.error());
    if (interrupted_) co_return fail({errc::cancelled, "interrupted"});
    progress_.clear();
    if (options_.repeat > 1 && !options_.json) {
      std::printf("%s%s\n", heading.c_str(), line_of(*measured, options_).c_str());
      std::fflush(stdout);
    }
    server.measured.runs.push_back(std::move(*measured));
    co_return true;
  }

  bool fail(const error& failure) {
    return fail(failure, failure.code == errc::not_found ? exit_code::no_connection : exit_code::failed);
  }

  bool fail(const error& failure, exit_code code) {
    progress_.clear();
    std::fprintf(stderr, "millrace bench: %s\n", failure.text.c_str());
    code_ = code;
    return false;
  }

  void print() {
    std::vector<server_result> results;
    for (auto& server : servers_) results.push_back(std::move(server.measured));
    const std::string text = options_.json ? json_of(results, options_) : table_of(results, options_);
    if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) fail_to_write("standard output");
    if (!options_.plot.empty()) plot(picture_of(results, options_));
  }

  void fail_without_latencies() {
    std::fprintf(stderr, "millrace bench: %s: not written, because no latency was measured\n", options_.plot.c_str());
    code_ = exit_code::failed;
  }

  void plot(const std::string& picture) {
    if (picture.empty()) return fail_without_latencies();
    std::ofstream file{options_.plot, std::ios::binary};
    file << picture;
    file.close();
    if (!file) fail_to_write(options_.plot);
  }

  void fail_to_write(const std::string& target) {
    std::fprintf(stderr, "millrace bench: %s: %s\n", target.c_str(), system_message(errno).c_str());
    code_ = exit_code::failed;
  }

  const bench_options& options_;
  const std::uint32_t number_;
  const std::vector<std::string> queues_;
  loop::event_loop loop_;
  std::optional<loop::signals> signals_{std::in_place, loop_, std::initializer_list<int>{SIGINT, SIGTERM}};
  progress progress_;
  std::deque<opponent> servers_;
  bool interrupted_{false};
  exit_code code_{exit_code::done};
};

}  // namespace

exit_code bench(const std::vector<std::string>& words) {
  const auto read = read_bench_arguments(words);
  if (const auto* end = std::get_if<early_exit>(&read)) {
    std::fputs(end->text.c_str(), end->code == exit_code::done ? stdout : stderr);
    return end->code;
  }
  raise_descriptors();
  benchmark all{std::get<bench_options>(read)};
  return all.run();
}

}  // namespace millrace::tools
