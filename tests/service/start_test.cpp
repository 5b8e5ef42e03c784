#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "base/system_message.hpp"
#include "handlers/catalogue.hpp"
#include "loop/task_scope.hpp"
#include "service/daemon.hpp"
#include "service/lifecycle.hpp"
#include "service/scarce.hpp"
#include "settings/load.hpp"
#include "sources/catalogue.hpp"
#include "support/catch.hpp"

using namespace millrace;
using testing::scarce;
using testing::scarcity;

namespace {

class scratch_directory {
 public:
  scratch_directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "millrace-start-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~scratch_directory() { std::filesystem::remove_all(path_); }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Settings that use every part: both listeners, a store, threads, a file.
settings::settings everything(const std::string& folder) {
  // The settings point into them.
  static const auto& handlers = []() -> const handlers::registry& {
    static handlers::registry made;
    handlers::add_all(made);
    return made;
  }();
  static const auto& sources = []() -> const sources::registry& {
    static sources::registry made;
    sources::add_all(made);
    return made;
  }();
  const std::string text = "daemon: { http: '127.0.0.1:0', beanstalk: 'unix:" + folder +
                           "/socket', data_dir: " + folder +
                           "/data, offload: { threads: 3 }, store: { disk_reserve: 0 } }\n"
                           "queues: { q: {} }\n"
                           "producers: { p: { kind: lines, queue: q, file: /dev/null } }\n"
                           "consumers: { c: { queue: q, handler: hash, run_on: threads, concurrency: 2 } }\n";
  auto read = settings::load_text(text, "settings", {handlers, sources});
  REQUIRE(read.value);
  return std::move(*read.value);
}

/// Opens the constructed parts, under scarcity, and closes them.
loop::awaitable<> open_and_close(service::daemon& parts, scarce kind, std::uint64_t nth, std::uint64_t& calls,
                                 result<>& opened) {
  {
    const scarcity few{kind, nth};
    opened = parts.prepare();
    while (opened) {
      const auto recovered = parts.recover_slice();
      if (!recovered) opened = recovered.error();
      if (!recovered || *recovered) break;
    }
    if (opened) opened = parts.open();
    calls = few.calls();
  }
  parts.work().stop();
  co_await parts.work().join();
  co_await parts.close();
}

struct attempt {
  result<> started;
  std::uint64_t calls{0};  ///< of the kind, while it started
};

/// Starts the daemon and ends it; the nth call of this kind fails.
attempt start(const settings::settings& set, scarce kind, std::uint64_t nth) {
  attempt made;
  const service::arguments arguments;
  std::unique_ptr<service::daemon> parts;
  {
    const scarcity few{kind, nth};
    made.started = [&]() -> result<> {
      try {
        service::passed_sockets none;
        auto bound = service::bind_sockets(set.daemon, none);
        if (!bound) return bound.error();
        auto constructed = service::daemon::make(set, {}, std::move(*bound));
        if (!constructed) return constructed.error();
        parts = std::move(*constructed);
        // As main does; nothing of it runs here.
        const service::lifecycle life{*parts, arguments};
        return {};
      } catch (const std::exception& failure) {
        return error{errc::io, message_of(failure)};
      }
    }();
    made.calls = few.calls();
  }
  if (!made.started || !parts) return made;
  std::uint64_t calls = 0;
  loop::task_scope tasks{parts->loop()};
  tasks.spawn("open and close",
              open_and_close(*parts, kind, nth > made.calls ? nth - made.calls : 0, calls, made.started));
  parts->loop().run();
  made.calls += calls;
  return made;
}

void expect_errors(scarce kind, const std::string& remedy, bool may_do_without) {
  const scratch_directory folder;
  const auto set = everything(folder.path());
  const auto without = start(set, kind, 0);
  INFO((without.started ? "" : without.started.error().text));
  REQUIRE(without.started);
  REQUIRE(without.calls > 0);
  std::uint64_t errors = 0;
  for (std::uint64_t nth = 1; nth <= without.calls; ++nth) {
    const auto made = start(set, kind, nth);
    INFO(nth << " of " << without.calls << ": " << (made.started ? "started" : made.started.error().text));
    CHECK((may_do_without || !made.started));
    if (made.started) continue;
    ++errors;
    CHECK(made.started.error().text.find(remedy) != std::string::npos);
    // A failed start leaves no socket behind that would hinder the next start.
    CHECK_FALSE(std::filesystem::exists(folder.path() + "/socket"));
  }
  CHECK(errors > 0);
  CHECK(start(set, kind, 0).started);
}

}  // namespace

TEST_CASE("each descriptor that the system refuses while the daemon starts is an error that names the limit") {
  // Asio does without eventfd and timerfd, and SQLite tries some files only to see whether they are there.
  expect_errors(scarce::descriptor, "ulimit -n", true);
}

TEST_CASE("each thread that the system refuses while the daemon starts is an error that names the limit") {
  expect_errors(scarce::thread, "ulimit -u", false);
}
