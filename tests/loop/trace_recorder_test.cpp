#include "loop/trace_recorder.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>

#include "loop/job_mark.hpp"
#include "loop/loop_core.hpp"
#include "loop/task_scope.hpp"
#include "support/catch.hpp"

namespace millrace::loop {
namespace {

namespace fs = std::filesystem;

/// A recorder on a real loop, whose thread works as in the daemon.
struct recording {
  recording() : folder{fs::temp_directory_path() / ("millrace-recorder-" + std::to_string(::getpid()))} {
    fs::create_directories(folder);
  }
  ~recording() {
    recorder.reset();
    fs::remove_all(folder);
  }

  [[nodiscard]] std::string path() const { return folder / "trace.json"; }
  [[nodiscard]] bool has_open_file() const {
    return std::ranges::any_of(fs::directory_iterator{"/proc/self/fd"}, [&](const fs::directory_entry& one) {
      std::error_code gone;
      return fs::read_symlink(one, gone) == path();
    });
  }

  awaitable<> begin() {
    auto beginning = recorder->begin({.path = path()});
    begun = co_await std::move(beginning);
  }
  awaitable<> close() {
    auto closing = recorder->close();
    co_await std::move(closing);
    closed = true;
  }
  awaitable<> record_and_end_while_it_is_closed(std::size_t events) {
    auto beginning = recorder->begin({.path = path()});
    begun = co_await std::move(beginning);
    for (std::size_t n = 0; n < events; ++n) recorder->job_mark(job_id{1}, "committed");
    scope.spawn("close", close());
    auto ending = recorder->end();
    ended = co_await std::move(ending);
  }

  fs::path folder;
  event_loop loop;
  std::optional<trace_recorder> recorder{std::in_place, loop};
  task_scope scope{loop};
  std::optional<result<std::string>> begun;
  std::optional<bool> ended;
  bool closed{false};
};

}  // namespace

TEST_CASE("a trace that was about to begin when its recorder is closed is refused and leaves no file", "[trace]") {
  recording at;
  // The thread may make the file at any time: the begin gets the result after the close has begun.
  at.scope.spawn("begin", at.begin());
  at.scope.spawn("close", at.close());
  at.loop.run();
  CHECK(at.closed);
  CHECK(at.begun.value().error().text == "the daemon is stopping");
  CHECK(at.loop.core().trace == nullptr);
  CHECK_FALSE(fs::exists(at.path()));
}

TEST_CASE("a begin that is cancelled leaves no file", "[trace]") {
  recording at;
  const auto task = at.scope.spawn("begin", at.begin());
  // Runs after the begin has called the thread, and before the result of that call.
  at.loop.post_from_any_thread([&] {
    CHECK(at.loop.tasks().at(0).waits_for != "its first turn");
    at.loop.cancel(task);
  });
  at.loop.run_ready();
  at.scope.spawn("close", at.close());
  at.loop.run();
  at.recorder.reset();  // joins the thread
  CHECK_FALSE(at.begun.has_value());
  CHECK_FALSE(fs::exists(at.path()));
}

TEST_CASE("a recorder that is closed while a trace ends waits until the file is complete", "[trace]") {
  recording at;
  // As many chunks as the thread takes at once, so that the last call is not among them when the close begins.
  constexpr std::size_t events = (io_thread::calls_max + 1) * trace_stream::chunk_events;
  at.scope.spawn("record", at.record_and_end_while_it_is_closed(events));
  at.loop.run();
  CHECK(at.begun.value().has_value());
  CHECK(at.ended == true);
  CHECK(at.closed);
  const auto facts = at.recorder->look();
  CHECK(facts.file == trace_file::state::complete);
  CHECK(facts.bytes == fs::file_size(at.path()));
  CHECK_FALSE(at.has_open_file());
}

}  // namespace millrace::loop
