#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>
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

/// Runs until all jobs of the scope have ended.
void run_to_end(handler_fixture& fixture, loop::task_scope& jobs) {
  loop::task_scope closing{fixture.loop};
  closing.spawn("closing", close_when_joined(jobs, fixture.output));
  fixture.loop.run();
}

}  // namespace

TEST_CASE("print writes each body and a newline, in the order of the jobs", "[print]") {
  pipe_fixture out;
  handler_fixture fixture{loop::clock_kind::real, out.writer()};
  print handler{{}, fixture.context};
  std::vector<std::string> outcomes;
  loop::task_scope jobs{fixture.loop};
  jobs.spawn("one slot", handle_all(handler, {"157 is a prime number.", "", std::string{"a\0b", 3}}, outcomes));
  run_to_end(fixture, jobs);
  CHECK(outcomes.size() == 3);
  out.close_writer();
  CHECK(out.read_to_end() == std::string{"157 is a prime number.\n\na\0b\n", 28});
}

TEST_CASE("print can write a text made from the job, and rejects a job that lacks a part of it", "[print]") {
  pipe_fixture out;
  handler_fixture fixture{loop::clock_kind::real, out.writer()};
  print handler{{job_template::parse("${queue} ${id}: ${field:2}").value()}, fixture.context};
  std::vector<std::string> outcomes;
  loop::task_scope jobs{fixture.loop};
  jobs.spawn("one slot", handle_all(handler, {"to Ada", "to"}, outcomes));
  run_to_end(fixture, jobs);
  CHECK(outcomes == std::vector<std::string>{"to Ada: done", "to: `${field:2}`: the body has 1 field"});
  out.close_writer();
  CHECK(out.read_to_end() == "numbers 1: Ada\n");
}

TEST_CASE("many slots print whole lines in the order of the jobs", "[print]") {
  pipe_fixture out;
  handler_fixture fixture{loop::clock_kind::real, out.writer()};
  print handler{{}, fixture.context};
  std::vector<std::string> outcomes;
  loop::task_scope jobs{fixture.loop};
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    jobs.spawn("slot", handle_one(handler, "line " + std::to_string(i), outcomes));
    expected += "line " + std::to_string(i) + "\n";
  }
  std::string seen;
  std::thread reader{[&] { seen = out.read_to_end(); }};
  run_to_end(fixture, jobs);
  out.close_writer();
  reader.join();
  CHECK(outcomes.size() == 2000);
  CHECK(seen == expected);
}

TEST_CASE("a job is done only when its line is written", "[print]") {
  pipe_fixture out;
  const std::size_t filled = out.fill();
  handler_fixture fixture{loop::clock_kind::real, out.writer()};
  print handler{{}, fixture.context};
  std::vector<std::string> outcomes;
  loop::task_scope jobs{fixture.loop};
  jobs.spawn("slot", handle_one(handler, "hello", outcomes));
  fixture.loop.run_ready();
  CHECK(outcomes.empty());
  std::string seen;
  std::thread reader{[&] { seen = out.read_to_end(); }};
  run_to_end(fixture, jobs);
  out.close_writer();
  reader.join();
  CHECK(outcomes == std::vector<std::string>{"hello: done"});
  CHECK(seen.substr(filled) == "hello\n");
}

TEST_CASE("jobs beyond the limit of a batch wait, and all lines are written", "[print]") {
  pipe_fixture out;
  handler_fixture fixture{loop::clock_kind::real, out.writer()};
  print handler{{}, fixture.context};
  std::vector<std::string> outcomes;
  loop::task_scope jobs{fixture.loop};
  std::string expected;
  for (int i = 0; i < 40; ++i) {
    // Some are copied, others are written from where they lie.
    const std::size_t bytes = i % 3 == 0 ? print::shared_bytes_min - 1 : print::gathered_bytes_max / 8;
    const std::string content(bytes, static_cast<char>('a' + i % 26));
    jobs.spawn("slot", handle_one(handler, content, outcomes));
    expected += content + "\n";
  }
  std::string seen;
  std::thread reader{[&] { seen = out.read_to_end(); }};
  run_to_end(fixture, jobs);
  out.close_writer();
  reader.join();
  CHECK(outcomes.size() == 40);
  CHECK((seen == expected));
}

TEST_CASE("a closed standard output fails every job with a message", "[print]") {
  pipe_fixture out;
  out.close_reader();
  handler_fixture fixture{loop::clock_kind::real, out.writer()};
  print handler{{}, fixture.context};
  std::vector<std::string> outcomes;
  loop::task_scope jobs{fixture.loop};
  for (const std::string content : {"one", "two"})
    jobs.spawn("slot", handle_all(handler, {content, content}, outcomes));
  run_to_end(fixture, jobs);
  REQUIRE(outcomes.size() == 4);
  CHECK(outcomes.front() == "one: standard output is closed");
  CHECK(outcomes.back() == "two: standard output is closed");
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
  pipe_fixture out;
  const std::size_t filled = out.fill();
  handler_fixture fixture{loop::clock_kind::real, out.writer()};
  print handler{{}, fixture.context};
  std::vector<std::string> outcomes;
  loop::task_scope impatient{fixture.loop};
  loop::task_scope patient{fixture.loop};
  impatient.spawn("writer of the first page", handle_one(handler, "first", outcomes));
  fixture.loop.run_ready();
  impatient.spawn("first of the second page", handle_one(handler, "second", outcomes));
  patient.spawn("second of the second page", handle_one(handler, "third", outcomes));
  fixture.loop.run_ready();
  impatient.cancel();
  fixture.loop.run_ready();
  CHECK(impatient.size() == 0);
  CHECK(patient.size() == 1);
  std::string seen;
  std::thread reader{[&] { seen = out.read_to_end(); }};
  run_to_end(fixture, patient);
  out.close_writer();
  reader.join();
  CHECK(outcomes == std::vector<std::string>{"third: done"});
  // Whether the first line appears depends on whether its write had begun.
  CHECK((seen.substr(filled) == "first\nsecond\nthird\n" || seen.substr(filled) == "second\nthird\n"));
}

TEST_CASE("a batch whose jobs are all cancelled is dropped, and later jobs print", "[print]") {
  pipe_fixture out;
  const std::size_t filled = out.fill();
  handler_fixture fixture{loop::clock_kind::real, out.writer()};
  print handler{{}, fixture.context};
  std::vector<std::string> outcomes;
  loop::task_scope jobs{fixture.loop};
  jobs.spawn("writer", handle_one(handler, "first", outcomes));
  fixture.loop.run_ready();
  for (int i = 0; i < 3; ++i)
    jobs.spawn("full page", handle_one(handler, std::string(print::gathered_bytes_max / 2, 'x'), outcomes));
  fixture.loop.run_ready();
  jobs.cancel();
  fixture.loop.run_ready();
  CHECK(jobs.size() == 0);
  jobs.spawn("late", handle_one(handler, "late", outcomes));
  std::string seen;
  std::thread reader{[&] { seen = out.read_to_end(); }};
  run_to_end(fixture, jobs);
  out.close_writer();
  reader.join();
  CHECK(outcomes == std::vector<std::string>{"late: done"});
  CHECK((seen.substr(filled) == "first\nlate\n" || seen.substr(filled) == "late\n"));
}
