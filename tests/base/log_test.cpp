#include "base/log.hpp"

#include <csignal>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "support/catch.hpp"

using namespace millrace;
using namespace std::chrono_literals;

namespace {

constexpr duration patience = 20s;  // only a failing test waits so long

/// The lines that a sink gets. Shared with the log's thread, which may outlive a test whose sink is stuck.
struct notes {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> lines;
  bool entered{false};
  bool open{true};  ///< false: `deliver` stands still

  void deliver(std::string_view text) {
    std::unique_lock lock{mutex};
    entered = true;
    changed.notify_all();
    changed.wait(lock, [this] { return open; });
    lines.emplace_back(text);
    changed.notify_all();
  }
  void close() {
    const std::lock_guard lock{mutex};
    open = false;
  }
  void reopen() {
    const std::lock_guard lock{mutex};
    open = true;
    changed.notify_all();
  }
  void wait_until_entered() {
    std::unique_lock lock{mutex};
    changed.wait(lock, [this] { return entered; });
  }
  std::vector<std::string> copy() {
    const std::lock_guard lock{mutex};
    return lines;
  }
};

log::sink sink_into(const std::shared_ptr<notes>& notes) {
  return {.render =
              [](const log::record& record, wall_time) {
                std::string text{record.event};
                for (const log::field& each : record.fields) text.append(" ").append(each.key);
                return text;
              },
          .deliver = [notes](log::level, std::string_view text) { notes->deliver(text); }};
}

}  // namespace

TEST_CASE("lines reach the sink in order, and stop writes out what is left") {
  const auto seen = std::make_shared<notes>();
  log::start(sink_into(seen), log::level::info);
  for (int n = 0; n < 100; ++n) log::info("line_" + std::to_string(n), "a line");
  log::stop(patience);
  const auto lines = seen->copy();
  REQUIRE(lines.size() == 100);
  for (std::size_t n = 0; n < lines.size(); ++n) CHECK(lines[n] == "line_" + std::to_string(n));
}

TEST_CASE("an event with a rule has that severity instead of its own") {
  const auto seen = std::make_shared<notes>();
  log::start(sink_into(seen), log::rules{log::level::warning,
                                         {{"raised", log::level::error}, {"lowered", log::level::debug}, {"off", {}}}});
  log::info("raised", "a line");
  log::error("lowered", "a line");
  log::error("off", "a line");
  log::info("other", "a line");
  log::set_rules({log::level::info, {}});
  log::info("other", "a line");
  log::stop(patience);
  CHECK(seen->copy() == std::vector<std::string>{"raised", "other"});
}

TEST_CASE("a line below the level is not rendered") {
  const auto seen = std::make_shared<notes>();
  std::atomic<int> rendered{0};
  log::sink counting = sink_into(seen);
  counting.render = [&rendered](const log::record&, wall_time) {
    ++rendered;
    return std::string{};
  };
  log::start(counting, log::level::warning);
  log::debug("quiet", "not seen");
  log::info("quiet", "not seen");
  log::warning("loud", "seen");
  log::error("loud", "seen");
  log::stop(patience);
  CHECK(rendered == 2);
  CHECK(seen->copy().size() == 2);
}

TEST_CASE("fields keep their keys, whatever their type") {
  const auto seen = std::make_shared<notes>();
  log::start(sink_into(seen), log::level::debug);
  log::info("event", "sentence", {{"text", "a"}, {"signed", -1}, {"unsigned", 1u}, {"real", 0.5}, {"flag", true}});
  log::stop(patience);
  CHECK(seen->copy() == std::vector<std::string>{"event text signed unsigned real flag"});
}

TEST_CASE("a sink that stands still holds nobody up: the oldest lines are dropped and counted") {
  const auto stuck = std::make_shared<notes>();
  stuck->close();
  const std::uint64_t before = log::dropped();
  log::start(sink_into(stuck), log::level::info);
  log::info("first", "the one that the sink stands still with");
  stuck->wait_until_entered();
  const std::size_t more = 1'000;
  for (std::size_t n = 0; n < log::ring_lines_max + more; ++n) log::info(std::to_string(n), "a line");
  CHECK(log::dropped() - before == more);
  stuck->reopen();
  log::stop(patience);
  const auto lines = stuck->copy();
  REQUIRE(lines.size() == 1 + log::ring_lines_max);
  CHECK(lines[1] == std::to_string(more));
  CHECK(lines.back() == std::to_string(log::ring_lines_max + more - 1));
  CHECK(log::dropped() - before == more);
}

TEST_CASE("stop returns although the sink is stuck, and counts what was lost") {
  const auto stuck = std::make_shared<notes>();
  stuck->close();
  const std::uint64_t before = log::dropped();
  log::start(sink_into(stuck), log::level::info);
  log::info("first", "the sink stands still with it");
  stuck->wait_until_entered();
  for (int n = 0; n < 10; ++n) log::info("lost", "behind it");
  log::stop(1ms);
  CHECK(log::dropped() - before == 11);
  stuck->reopen();  // its thread may go on, but says nothing more
}

TEST_CASE("a new sink takes over after the earlier one has written out its lines") {
  const auto earlier = std::make_shared<notes>();
  const auto later = std::make_shared<notes>();
  log::start(sink_into(earlier), log::level::info);
  log::info("one", "to the earlier");
  log::start(sink_into(later), log::level::info);
  CHECK(earlier->copy() == std::vector<std::string>{"one"});
  log::info("two", "to the later");
  log::stop(patience);
  CHECK(later->copy() == std::vector<std::string>{"two"});
}

TEST_CASE("a sink or a renderer that throws loses its line and nothing more") {
  const auto seen = std::make_shared<notes>();
  const std::uint64_t before = log::dropped();
  log::sink faulty = sink_into(seen);
  faulty.render = [plain = faulty.render](const log::record& record, wall_time when) {
    if (record.event == "bad_render") throw std::runtime_error{"render"};
    return plain(record, when);
  };
  faulty.deliver = [plain = faulty.deliver](log::level level, std::string_view text) {
    if (text == "bad_deliver") throw std::runtime_error{"deliver"};
    plain(level, text);
  };
  log::start(faulty, log::level::info);
  log::info("bad_render", "lost");
  log::info("bad_deliver", "lost");
  log::info("good", "kept");
  log::stop(patience);
  CHECK(seen->copy() == std::vector<std::string>{"good"});
  CHECK(log::dropped() - before == 2);
}

TEST_CASE("many threads write while sinks come and go, and no line is lost") {
  const auto seen = std::make_shared<notes>();
  const std::uint64_t before = log::dropped();
  log::start(sink_into(seen), log::level::info);
  std::atomic<bool> go{true};
  std::vector<std::thread> writers;
  writers.reserve(4);
  for (int n = 0; n < 4; ++n) {
    writers.emplace_back([&go] {
      for (int line = 0; line < 500; ++line) log::info("line", "from a thread");
      go = false;
    });
  }
  while (go) log::start(sink_into(seen), log::level::info);
  for (auto& each : writers) each.join();
  log::stop(patience);
  CHECK(seen->copy().size() + (log::dropped() - before) == 2'000);
}

TEST_CASE("a signal is never delivered on the log's thread") {
  std::atomic<bool> blocked{false};
  log::start({.render = [](const log::record&, wall_time) { return std::string{}; },
              .deliver =
                  [&blocked](log::level, std::string_view) {
                    sigset_t now;
                    pthread_sigmask(SIG_BLOCK, nullptr, &now);
                    blocked = sigismember(&now, SIGTERM) == 1;
                  }},
             log::level::info);
  log::info("any", "a line");
  log::stop(patience);
  CHECK(blocked);
}
