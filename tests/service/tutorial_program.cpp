#include "tutorial_program.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/io_thread.hpp>

#include "broker/broker.hpp"
#include "handlers/catalogue.hpp"
#include "loop/task_scope.hpp"
#include "offload/thread_pool.hpp"
#include "settings/load.hpp"
#include "sources/catalogue.hpp"
#include "store/memory_store.hpp"
#include "support/catch.hpp"
#include "workload/workload.hpp"

namespace millrace::testing {

namespace {

constexpr duration tick = milliseconds{10};
constexpr duration longest_run = minutes{1};

class pipe_ends {
 public:
  pipe_ends() { REQUIRE(::pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK) == 0); }
  ~pipe_ends() {
    for (const int end : ends_) ::close(end);
  }
  pipe_ends(const pipe_ends&) = delete;
  pipe_ends& operator=(const pipe_ends&) = delete;

  [[nodiscard]] int output() const { return ends_[1]; }
  /// All text that was written and not taken yet.
  std::string take() const {
    std::string taken;
    std::array<char, 4096> part{};
    for (ssize_t got = 0; (got = ::read(ends_[0], part.data(), part.size())) > 0;)
      taken.append(part.data(), static_cast<std::size_t>(got));
    return taken;
  }

 private:
  std::array<int, 2> ends_{};
};

/// All kinds, for as long as the program runs: settings point to them.
const settings::vocabulary& all_kinds() {
  static const auto handlers = [] {
    handlers::registry kinds;
    handlers::add_all(kinds);
    return kinds;
  }();
  static const auto sources = [] {
    sources::registry kinds;
    sources::add_all(kinds);
    return kinds;
  }();
  static const settings::vocabulary all{handlers, sources};
  return all;
}

settings::settings settings_of(const std::string& name) {
  auto loaded = settings::load_file("config/tutorial/" + name + ".yaml", all_kinds());
  for (const auto& found : loaded.diagnostics) FAIL(found.text());
  return std::move(loaded.value.value());
}

class program {
 public:
  program(const std::string& name, workload::mode mode)
      : settings_{settings_of(name)}, work_{loop_, broker_, threads_, {.run_mode = mode}} {
    for (const auto& [queue, options] : settings_.queues) broker_.declare(queue, options).value();
  }

  tutorial_run run() {
    const auto began = loop_.now();
    tutorial_run seen;
    work_.start(settings_.producers, settings_.consumers, {loop_}, {loop_, standard_output_, printed_.output()})
        .value();
    scope_.spawn("main", until_idle());
    while (true) {
      settle();
      seen.milliseconds = (loop_.now() - began) / milliseconds{1};
      note_lines(seen);
      if (idle_) break;
      REQUIRE(loop_.now() - began < longest_run);
      loop_.advance(tick);
    }
    loop_.run();
    return seen;
  }

 private:
  loop::awaitable<> until_idle() {
    co_await work_.idle();
    idle_ = true;
    co_await work_.drain(duration::zero());
    broker_.close();
    threads_.close();
    standard_output_.close();
  }

  /// Runs all ready work, and waits for the lines, which a thread writes.
  void settle() {
    while (loop_.run_ready() != 0 || is_printing()) std::this_thread::yield();
  }

  [[nodiscard]] bool is_printing() const {
    return std::ranges::any_of(loop_.tasks(), [](const loop::task_facts& task) {
      return task.waits_for == "a blocking call" || task.waits_for == "standard output";
    });
  }

  void note_lines(tutorial_run& seen) const {
    std::string text = printed_.take();
    for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1))
      seen.lines.push_back(std::to_string(seen.milliseconds) + ' ' + text.substr(0, end));
  }

  settings::settings settings_;
  pipe_ends printed_;
  loop::event_loop loop_{loop::clock_kind::manual};
  store::memory_store store_;
  broker::broker broker_{loop_, store_};
  offload::thread_pool threads_{loop_, {.threads = 2}};
  loop::io_thread standard_output_{loop_, "output"};
  workload::workload work_;
  loop::task_scope scope_{loop_};
  bool idle_{false};
};

}  // namespace

tutorial_run run_tutorial(const std::string& name, workload::mode mode) { return program{name, mode}.run(); }

}  // namespace millrace::testing
