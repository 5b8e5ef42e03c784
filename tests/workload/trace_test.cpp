#include "loop/trace_recorder.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "loop/loop_core.hpp"
#include "support/catch.hpp"
#include "support/taken_log.hpp"
#include "workload/workload_fixture.hpp"

using namespace millrace;
using testing::workload_fixture;
namespace json = boost::json;

namespace {

/// A workload on a manual clock with a trace.
struct traced_workload : workload_fixture {
  explicit traced_workload(loop::clock_kind clock = loop::clock_kind::manual) : workload_fixture{{}, clock} {}
  ~traced_workload() {
    if (!trace_closed) scope.spawn("close the trace", close_trace());
    turn_until([this] { return trace_closed; });
    std::filesystem::remove(path);
  }

  void begin(std::uint64_t bytes_max = loop::trace_recorder::file_bytes_max) {
    recorder.begin_now({.path = path, .bytes_max = bytes_max}).value();
  }
  loop::awaitable<> end_trace() {
    auto ending = recorder.end();
    ended = co_await std::move(ending);
  }
  loop::awaitable<> close_trace() {
    auto closing = recorder.close();
    co_await std::move(closing);
    trace_closed = true;
  }
  void end() {
    ended.reset();
    scope.spawn("end the trace", end_trace());
    turn_until([this] { return ended.has_value(); });
  }
  [[nodiscard]] json::array events() const {
    std::ifstream file{path};
    return json::parse(std::string{std::istreambuf_iterator<char>{file}, {}}).as_array();
  }
  /// Of the work on jobs, of the waits of slots or of the states of jobs, one event a line, in the order of their
  /// times: the beginning, the length, the row, the name.
  [[nodiscard]] std::string lines(const std::set<std::string>& categories) const {
    std::map<std::int64_t, std::string> rows;
    std::multimap<double, std::string> sorted;
    for (const auto& event : events())
      if (event.at("name") == "thread_name")
        rows[event.at("tid").as_int64()] = event.at("args").at("name").as_string().c_str();
    for (const auto& event : events()) {
      const auto* const category = event.as_object().if_contains("cat");
      if (category == nullptr || !categories.contains(category->as_string().c_str())) continue;
      const auto in_ms = [&](const char* key) { return event.at(key).to_number<double>() / 1000; };
      std::array<char, 64> begin{};
      const bool is_span = event.at("ph") == "X";
      if (is_span) {
        std::snprintf(begin.data(), begin.size(), "%g+%g ", in_ms("ts"), in_ms("dur"));
      } else {
        std::snprintf(begin.data(), begin.size(), "%g %s ", in_ms("ts"), event.at("ph").as_string().c_str());
      }
      std::string line = begin.data();
      if (is_span) line += rows[event.at("tid").as_int64()] + ": ";
      line += event.at("name").as_string().c_str();
      if (const auto* const arguments = event.as_object().if_contains("args")) {
        if (const auto* const outcome = arguments->as_object().if_contains("outcome"))
          line += std::string{" "} + outcome->as_string().c_str();
        if (const auto* const then = arguments->as_object().if_contains("then"))
          line += std::string{" "} + then->as_string().c_str();
      }
      sorted.emplace(in_ms("ts"), line + "\n");
    }
    std::string all;
    for (const auto& [when, line] : sorted) all += line;
    return all;
  }

  std::string path{std::filesystem::temp_directory_path() / ("millrace-trace-" + std::to_string(::getpid()) + ".json")};
  loop::trace_recorder recorder{loop, [this] { broker.trace_jobs(); }};
  std::optional<bool> ended;
  bool trace_closed{false};
};

}  // namespace

TEST_CASE("a trace shows what each slot works on, what it waits for, and the states of jobs") {
  traced_workload fixture;
  const auto queue = fixture.queue("mail");
  fixture.consumer("send", {.queue = {"mail"}}, testing::waiting_kind(milliseconds{20}, fixture.note()));
  fixture.begin();
  fixture.start();
  fixture.loop.advance(milliseconds{5});
  fixture.put(queue, "Ann");
  fixture.put(queue, "Bob");
  fixture.loop.advance(milliseconds{60});
  fixture.end();

  CHECK(fixture.lines({"job"}) ==
        "5 b ready\n5 e ready\n5 b reserved\n5 b ready\n5+20 send#1: Ann ok\n"
        "25 e reserved\n25 e ready\n25 b reserved\n25+20 send#1: Bob ok\n45 e reserved\n");
  CHECK(fixture.lines({"wait"}).starts_with("0+5 send#1: job\n5+20 send#1: sleep\n25+20 send#1: sleep\n"));
}

TEST_CASE("a trace shows that a failed job is tried again, and which attempt ended how") {
  traced_workload fixture;
  fixture.queue("mail", {.retry = {.attempts = 2, .first = milliseconds{10}, .jitter = 0}});
  fixture.producer("one", {.queue = "mail"}, testing::numbers_to(1));
  fixture.consumer("send", {.queue = {"mail"}}, testing::waiting_kind(milliseconds{20}, [](const handlers::job& work) {
                     return work.attempt == 1 ? handlers::answer{invalid("not today")} : handlers::answer{std::nullopt};
                   }));
  fixture.begin();
  fixture.start();
  fixture.loop.advance(seconds{1});
  fixture.end();
  CHECK(fixture.lines({"job"}) ==
        "0 b ready\n0 e ready\n0 b reserved\n0+20 send#1: 1 failed retried\n20 e reserved\n20 b delayed\n"
        "30 e delayed\n30 b ready\n30 e ready\n30 b reserved\n30+20 send#1: 1 ok\n50 e reserved\n");
}

TEST_CASE("a trace shows which thread worked on which job") {
  traced_workload fixture{loop::clock_kind::real};
  fixture.producer("one", {.queue = "numbers"}, testing::source_of({std::string{"1000"}}));
  fixture.consumer("count", {.queue = {"numbers"}, .run_on = offload::execution_site::threads},
                   testing::computing_kind());
  fixture.begin();
  fixture.start();
  fixture.turn_until([&] { return fixture.outcomes(0, engine::outcome::ok) == 1; });
  fixture.end();
  std::string offloaded;
  for (const auto& event : fixture.events()) {
    const auto* const category = event.as_object().if_contains("cat");
    if (category == nullptr || *category != "offload") continue;
    CHECK(event.at("pid") == 2);
    CHECK(event.at("args").at("job") == 1);
    offloaded += event.at("name").as_string().c_str();
  }
  CHECK(offloaded == "1000");
}

TEST_CASE("what is not finished when a trace ends is in it, until then") {
  traced_workload fixture;
  const auto queue = fixture.queue("mail");
  fixture.consumer("send", {.queue = {"mail"}}, testing::waiting_kind(seconds{1}, fixture.note()));
  fixture.begin();
  fixture.start();
  fixture.put(queue, "Ann");
  fixture.loop.advance(milliseconds{30});
  fixture.end();
  CHECK(fixture.lines({"job"}) == "0 b ready\n0 e ready\n0 b reserved\n0+30 send#1: Ann unfinished\n");
  CHECK(fixture.lines({"wait"}).find("0+30 send#1: sleep\n") != std::string::npos);
}

TEST_CASE("a trace that begins in the middle of a job does not show that job's attempt") {
  traced_workload fixture;
  const auto queue = fixture.queue("mail");
  fixture.consumer("send", {.queue = {"mail"}}, testing::waiting_kind(milliseconds{20}, fixture.note()));
  fixture.start();
  fixture.put(queue, "Ann");
  fixture.put(queue, "Bob");
  fixture.loop.advance(milliseconds{10});
  fixture.begin();
  fixture.loop.advance(milliseconds{50});
  fixture.end();
  CHECK(fixture.lines({"job"}) == "10 b reserved\n10+20 send#1: Bob ok\n30 e reserved\n");
}

TEST_CASE("one trace follows another, each with its own rows") {
  traced_workload fixture;
  const auto queue = fixture.queue("mail");
  fixture.consumer("send", {.queue = {"mail"}}, testing::quick_kind(fixture.note()));
  fixture.start();
  for (const auto* const text : {"Ann", "Bob"}) {
    fixture.begin();
    CHECK(fixture.recorder.look().running);
    CHECK(fixture.recorder.begin_now({.path = fixture.path}).error().text ==
          "a trace is running already, into " + fixture.path);
    fixture.loop.advance(milliseconds{1});
    fixture.put(queue, text);
    fixture.loop.run_ready();
    fixture.end();
    CHECK(fixture.ended == true);
    CHECK(!fixture.recorder.look().running);
    CHECK(fixture.lines({"job"}).find(std::string{"1+0 send#1: "} + text + " ok\n") != std::string::npos);
  }
  fixture.end();
  CHECK(fixture.ended == false);
}

TEST_CASE("a full trace ends by itself, and work goes on") {
  traced_workload fixture;
  const auto queue = fixture.queue("mail");
  fixture.consumer("send", {.queue = {"mail"}}, testing::quick_kind(fixture.note()));
  testing::taken_log log{std::vector<std::string_view>{}};
  fixture.begin(loop::trace_recorder::file_bytes_least);
  fixture.start();
  fixture.turn_until([&] {
    for (int n = 0; n < 100; ++n) fixture.put(queue, "one");
    fixture.loop.advance(loop::trace_stream::flush_interval);
    return fixture.loop.core().trace == nullptr;
  });
  CHECK(std::ranges::count(log.finish(), "trace_full") == 1);
  CHECK(!fixture.recorder.look().running);
  CHECK(fixture.recorder.look().file == loop::trace_file::state::full);
  CHECK(std::filesystem::file_size(fixture.path) <= loop::trace_recorder::file_bytes_least);
  // Its file is closed without a further event, too.
  const auto is_open = [&] {
    return std::ranges::any_of(std::filesystem::directory_iterator{"/proc/self/fd"}, [&](const auto& one) {
      std::error_code gone;
      return std::filesystem::read_symlink(one, gone) == fixture.path;
    });
  };
  fixture.turn_until([&] { return !is_open(); });
  CHECK(fixture.events().back().at("name") == "the trace is full");
  CHECK(fixture.recorder.look().bytes == std::filesystem::file_size(fixture.path));
  const auto seen = fixture.seen.size();
  fixture.put(queue, "afterwards");
  fixture.loop.run_ready();
  CHECK(fixture.seen.size() == seen + 1);
}

TEST_CASE("a trace that is full ends also when nothing happens any more") {
  traced_workload fixture;
  fixture.begin(loop::trace_recorder::file_bytes_least);
  // One chunk, which the first flush hands over.
  for (std::size_t n = 0; n < loop::trace_stream::chunk_events; ++n)
    fixture.recorder.job_mark(job_id{n + 1}, "committed");
  fixture.turn_until([&] {
    fixture.loop.advance(loop::trace_stream::flush_interval);
    return fixture.loop.core().trace == nullptr;
  });
  CHECK(fixture.recorder.look().file == loop::trace_file::state::full);
}

TEST_CASE("while its thread is behind, a trace leaves events out and counts them") {
  traced_workload fixture;
  fixture.begin();
  // Without a turn of the loop, the thread gets no more than its backlog of calls.
  constexpr auto chunks = loop::io_thread::calls_max + loop::trace_stream::chunks_max + 10;
  for (std::size_t n = 0; n < chunks * loop::trace_stream::chunk_events; ++n)
    fixture.recorder.job_mark(job_id{n + 1}, "committed");
  CHECK(fixture.recorder.look().left_out > 0);
  fixture.end();
  const auto events = fixture.events();
  CHECK(events.back().at("name") == "events left out");
  CHECK(events.back().at("args").at("count").to_number<std::uint64_t>() == fixture.recorder.look().left_out);
}

TEST_CASE("a job with a name is shown by that name") {
  traced_workload fixture;
  const auto queue = fixture.queue("mail");
  fixture.consumer("send", {.queue = {"mail"}, .job_name = handlers::job_template::parse("letter to ${body}").value()},
                   testing::quick_kind(fixture.note()));
  fixture.begin();
  fixture.start();
  fixture.put(queue, "Ann");
  fixture.loop.run_ready();
  fixture.end();
  CHECK(fixture.lines({"job"}).find("send#1: letter to Ann ok\n") != std::string::npos);
}

TEST_CASE("a job whose name cannot be made is shown by the beginning of its text") {
  traced_workload fixture;
  const auto queue = fixture.queue("mail");
  fixture.consumer("send", {.queue = {"mail"}, .job_name = handlers::job_template::parse("to ${json:/name}").value()},
                   testing::quick_kind(fixture.note()));
  fixture.begin();
  fixture.start();
  fixture.put(queue, "no JSON");
  fixture.loop.run_ready();
  fixture.end();
  CHECK(fixture.lines({"job"}).find("send#1: no JSON ok\n") != std::string::npos);
}
