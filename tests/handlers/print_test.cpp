#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "handlers/print.hpp"
#include "handlers/program.hpp"
#include "handlers/waiting.hpp"
#include "handlers/write_all.hpp"
#include "loop/task_scope.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::handlers;

namespace {

/// A pipe that closes its ends in the destructor.
struct pipe_fixture {
  pipe_fixture() {
    REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
    signal(SIGPIPE, SIG_IGN);
  }
  ~pipe_fixture() {
    close_reader();
    close_writer();
  }
  pipe_fixture(const pipe_fixture&) = delete;
  pipe_fixture& operator=(const pipe_fixture&) = delete;
  void close_reader() { shut(ends[0]); }
  void close_writer() { shut(ends[1]); }
  [[nodiscard]] int writer() const { return ends[1]; }

  /// Reads until the writer closes.
  [[nodiscard]] std::string read_to_end() const {
    std::string all;
    std::array<char, 4096> some{};
    for (ssize_t bytes = 0; (bytes = ::read(ends[0], some.data(), some.size())) > 0;)
      all.append(some.data(), static_cast<std::size_t>(bytes));
    return all;
  }
  /// Fills the pipe.
  std::size_t fill() const {
    const int flags = fcntl(ends[1], F_GETFL);
    fcntl(ends[1], F_SETFL, flags | O_NONBLOCK);
    std::size_t bytes = 0;
    const std::string dots(4096, '.');
    for (ssize_t wrote = 0; (wrote = ::write(ends[1], dots.data(), dots.size())) > 0;)
      bytes += static_cast<std::size_t>(wrote);
    fcntl(ends[1], F_SETFL, flags);
    return bytes;
  }

  std::array<int, 2> ends{-1, -1};

 private:
  static void shut(int& end) {
    if (end >= 0) close(end);
    end = -1;
  }
};

loop::awaitable<> close_when_joined(loop::task_scope& jobs, loop::io_thread& output) {
  co_await jobs.join();
  output.close();
}

/// The handler with a pipe as its standard output.
struct print_fixture : handler_fixture {
  explicit print_fixture(print_options options = {}) : print_fixture{std::make_unique<pipe_fixture>(), options} {}

  /// Nobody reads the pipe, and it is full.
  void block_output() { filled = pipe->fill(); }
  void spawn(std::string content) { spawn(jobs, std::move(content)); }
  void spawn(loop::task_scope& scope, std::string content) {
    scope.spawn("slot", handle_one(handler, std::move(content), outcomes));
  }
  /// One slot, so that the jobs follow each other.
  void spawn_in_turn(std::vector<std::string> contents) {
    jobs.spawn("one slot", handle_all(handler, std::move(contents), outcomes));
  }
  /// Runs until all jobs of the scope have ended.
  void run_to_end(loop::task_scope& scope) {
    loop::task_scope closing{loop};
    closing.spawn("closing", close_when_joined(scope, output));
    loop.run();
  }
  /// The same, while a thread reads the pipe. Returns what the handler wrote.
  std::string output_of(loop::task_scope& scope) {
    std::string seen;
    std::thread reader{[&] { seen = pipe->read_to_end(); }};
    run_to_end(scope);
    pipe->close_writer();
    reader.join();
    return seen.substr(filled);
  }

  std::unique_ptr<pipe_fixture> pipe;
  std::size_t filled{0};
  print handler;
  std::vector<std::string> outcomes;
  loop::task_scope jobs{loop};

 private:
  print_fixture(std::unique_ptr<pipe_fixture> made, const print_options& options)
      : handler_fixture{loop::clock_kind::real, made->writer()}, pipe{std::move(made)}, handler{options, context} {}
};

}  // namespace

TEST_CASE("print writes each body and a newline, in the order of the jobs", "[print]") {
  print_fixture fixture;
  fixture.spawn_in_turn({"157 is a prime number.", "", std::string{"a\0b", 3}});
  CHECK(fixture.output_of(fixture.jobs) == std::string{"157 is a prime number.\n\na\0b\n", 28});
  CHECK(fixture.outcomes.size() == 3);
}

TEST_CASE("print can write a text made from the job, and rejects a job that lacks a part of it", "[print]") {
  print_fixture fixture{{job_template::parse("${queue} ${id}: ${field:2}").value()}};
  fixture.spawn_in_turn({"to Ada", "to"});
  CHECK(fixture.output_of(fixture.jobs) == "numbers 1: Ada\n");
  CHECK(fixture.outcomes == std::vector<std::string>{"to Ada: done", "to: `${field:2}`: the body has 1 field"});
}

TEST_CASE("many slots print whole lines in the order of the jobs", "[print]") {
  print_fixture fixture;
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    fixture.spawn("line " + std::to_string(i));
    expected += "line " + std::to_string(i) + "\n";
  }
  CHECK(fixture.output_of(fixture.jobs) == expected);
  CHECK(fixture.outcomes.size() == 2000);
}

TEST_CASE("a job is done only when its line is written", "[print]") {
  print_fixture fixture;
  fixture.block_output();
  fixture.spawn("hello");
  fixture.loop.run_ready();
  CHECK(fixture.outcomes.empty());
  CHECK(fixture.output_of(fixture.jobs) == "hello\n");
  CHECK(fixture.outcomes == std::vector<std::string>{"hello: done"});
}

TEST_CASE("jobs beyond the limit of a batch wait, and all lines are written", "[print]") {
  print_fixture fixture;
  std::string expected;
  for (int i = 0; i < 40; ++i) {
    // Some are copied, others are written from where they lie.
    const std::size_t bytes = i % 3 == 0 ? print::shared_bytes_min - 1 : print::gathered_bytes_max / 8;
    const std::string content(bytes, static_cast<char>('a' + i % 26));
    fixture.spawn(content);
    expected += content + "\n";
  }
  CHECK((fixture.output_of(fixture.jobs) == expected));
  CHECK(fixture.outcomes.size() == 40);
}

TEST_CASE("a closed standard output fails every job with a message", "[print]") {
  print_fixture fixture;
  fixture.pipe->close_reader();
  fixture.spawn_in_turn({"one", "one"});
  fixture.spawn_in_turn({"two", "two"});
  fixture.run_to_end(fixture.jobs);
  REQUIRE(fixture.outcomes.size() == 4);
  CHECK(fixture.outcomes.front() == "one: standard output is closed");
  CHECK(fixture.outcomes.back() == "two: standard output is closed");
}

TEST_CASE("a full disk and a closed descriptor have their own messages", "[print]") {
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  REQUIRE(full >= 0);
  CHECK(write_all(full, "x").error().text == "no space is left for standard output");
  close(full);
  CHECK(write_all(full, "x").error().text == "standard output is closed");
}

TEST_CASE("a partial write is continued, also on a non-blocking descriptor", "[print]") {
  pipe_fixture out;
  fcntl(out.writer(), F_SETFL, fcntl(out.writer(), F_GETFL) | O_NONBLOCK);
  const std::string large(1'000'000, 'x');
  std::string seen;
  std::thread reader{[&] { seen = out.read_to_end(); }};
  CHECK(write_all(out.writer(), large).has_value());
  out.close_writer();
  reader.join();
  CHECK((seen == large));
}

TEST_CASE("cancelled jobs end at once while the output is blocked, and the others are written", "[print]") {
  print_fixture fixture;
  fixture.block_output();
  loop::task_scope impatient{fixture.loop};
  fixture.spawn(impatient, "first");
  fixture.loop.run_ready();
  // Both are in the second batch.
  fixture.spawn(impatient, "second");
  fixture.spawn("third");
  fixture.loop.run_ready();
  impatient.cancel();
  fixture.loop.run_ready();
  CHECK(impatient.size() == 0);
  CHECK(fixture.jobs.size() == 1);
  const auto seen = fixture.output_of(fixture.jobs);
  CHECK(fixture.outcomes == std::vector<std::string>{"third: done"});
  // Whether the first line appears depends on whether its write had begun.
  CHECK((seen == "first\nsecond\nthird\n" || seen == "second\nthird\n"));
}

TEST_CASE("a batch whose jobs are all cancelled is dropped, and later jobs print", "[print]") {
  print_fixture fixture;
  fixture.block_output();
  fixture.spawn("first");
  fixture.loop.run_ready();
  for (int i = 0; i < 3; ++i) fixture.spawn(std::string(print::gathered_bytes_max / 2, 'x'));
  fixture.loop.run_ready();
  fixture.jobs.cancel();
  fixture.loop.run_ready();
  CHECK(fixture.jobs.size() == 0);
  fixture.spawn("late");
  const auto seen = fixture.output_of(fixture.jobs);
  CHECK(fixture.outcomes == std::vector<std::string>{"late: done"});
  CHECK((seen == "first\nlate\n" || seen == "late\n"));
}
