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

/// A pipe whose ends close by themselves.
struct a_pipe {
  a_pipe() {
    REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
    signal(SIGPIPE, SIG_IGN);
  }
  ~a_pipe() {
    close_reader();
    close_writer();
  }
  a_pipe(const a_pipe&) = delete;
  a_pipe& operator=(const a_pipe&) = delete;
  void close_reader() { shut(ends[0]); }
  void close_writer() { shut(ends[1]); }
  [[nodiscard]] int writer() const { return ends[1]; }

  /// All that comes until the writer closes.
  [[nodiscard]] std::string read_to_end() const {
    std::string all;
    std::array<char, 4096> some{};
    for (ssize_t bytes = 0; (bytes = ::read(ends[0], some.data(), some.size())) > 0;)
      all.append(some.data(), static_cast<std::size_t>(bytes));
    return all;
  }
  /// Fills it until it takes no more.
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

loop::awaitable<> close_when_joined(loop::task_scope& jobs, loop::io_thread& lane) {
  co_await jobs.join();
  lane.close();
}

/// Runs until all jobs of the scope have ended.
void run_to_end(program& around, loop::task_scope& jobs) {
  loop::task_scope closing{around.loop};
  closing.spawn("closing", close_when_joined(jobs, around.lane));
  around.loop.run();
}

}  // namespace

TEST_CASE("print writes the body and a newline, in the order of handling", "[print]") {
  a_pipe out;
  program around{loop::clock_kind::real, out.writer()};
  print handler{{}, around.where};
  std::vector<std::string> outcomes;
  loop::task_scope jobs{around.loop};
  jobs.spawn("one slot", handle_all(handler, {"157 is a prime number.", "", std::string{"a\0b", 3}}, outcomes));
  run_to_end(around, jobs);
  CHECK(outcomes.size() == 3);
  out.close_writer();
  CHECK(out.read_to_end() == std::string{"157 is a prime number.\n\na\0b\n", 28});
}

TEST_CASE("many slots print every line whole and in the order of handling", "[print]") {
  a_pipe out;
  program around{loop::clock_kind::real, out.writer()};
  print handler{{}, around.where};
  std::vector<std::string> outcomes;
  loop::task_scope jobs{around.loop};
  std::string expected;
  for (int i = 0; i < 2000; ++i) {
    jobs.spawn("slot", handle_one(handler, "line " + std::to_string(i), outcomes));
    expected += "line " + std::to_string(i) + "\n";
  }
  std::string seen;
  std::thread reader{[&] { seen = out.read_to_end(); }};
  run_to_end(around, jobs);
  out.close_writer();
  reader.join();
  CHECK(outcomes.size() == 2000);
  CHECK(seen == expected);
}

TEST_CASE("a job is done when its line was written, not before", "[print]") {
  a_pipe out;
  const std::size_t filled = out.fill();
  program around{loop::clock_kind::real, out.writer()};
  print handler{{}, around.where};
  std::vector<std::string> outcomes;
  loop::task_scope jobs{around.loop};
  jobs.spawn("slot", handle_one(handler, "hello", outcomes));
  around.loop.run_ready();
  CHECK(outcomes.empty());
  std::string seen;
  std::thread reader{[&] { seen = out.read_to_end(); }};
  run_to_end(around, jobs);
  out.close_writer();
  reader.join();
  CHECK(outcomes == std::vector<std::string>{"hello: done"});
  CHECK(seen.substr(filled) == "hello\n");
}

TEST_CASE("lines beyond the limit wait for room and are all written, more than a pipe holds", "[print]") {
  a_pipe out;
  program around{loop::clock_kind::real, out.writer()};
  print handler{{}, around.where};
  std::vector<std::string> outcomes;
  loop::task_scope jobs{around.loop};
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
  run_to_end(around, jobs);
  out.close_writer();
  reader.join();
  CHECK(outcomes.size() == 40);
  CHECK((seen == expected));
}

TEST_CASE("a closed standard output fails every job with a message", "[print]") {
  a_pipe out;
  out.close_reader();
  program around{loop::clock_kind::real, out.writer()};
  print handler{{}, around.where};
  std::vector<std::string> outcomes;
  loop::task_scope jobs{around.loop};
  for (const std::string content : {"one", "two"})
    jobs.spawn("slot", handle_all(handler, {content, content}, outcomes));
  run_to_end(around, jobs);
  REQUIRE(outcomes.size() == 4);
  CHECK(outcomes.front() == "one: standard output is closed");
  CHECK(outcomes.back() == "two: standard output is closed");
}

TEST_CASE("no space left and a descriptor that is not open are told", "[print]") {
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  REQUIRE(full >= 0);
  CHECK(write_all(full, "x").error().text == "no space is left where standard output goes");
  close(full);
  CHECK(write_all(full, "x").error().text == "standard output is closed");
}

TEST_CASE("writing goes on where a write was partial, on a descriptor that does not block too", "[print]") {
  a_pipe out;
  fcntl(out.writer(), F_SETFL, fcntl(out.writer(), F_GETFL) | O_NONBLOCK);
  const std::string large(1'000'000, 'x');
  std::string seen;
  std::thread reader{[&] { seen = out.read_to_end(); }};
  CHECK(write_all(out.writer(), large).has_value());
  out.close_writer();
  reader.join();
  CHECK((seen == large));
}

TEST_CASE("jobs cancelled at a stalled output end at once, and those who stay get their lines written", "[print]") {
  a_pipe out;
  const std::size_t filled = out.fill();
  program around{loop::clock_kind::real, out.writer()};
  print handler{{}, around.where};
  std::vector<std::string> outcomes;
  loop::task_scope impatient{around.loop};
  loop::task_scope patient{around.loop};
  impatient.spawn("writer of the first page", handle_one(handler, "first", outcomes));
  around.loop.run_ready();
  impatient.spawn("first of the second page", handle_one(handler, "second", outcomes));
  patient.spawn("second of the second page", handle_one(handler, "third", outcomes));
  around.loop.run_ready();
  impatient.cancel();
  around.loop.run_ready();
  CHECK(impatient.size() == 0);
  CHECK(patient.size() == 1);
  std::string seen;
  std::thread reader{[&] { seen = out.read_to_end(); }};
  run_to_end(around, patient);
  out.close_writer();
  reader.join();
  CHECK(outcomes == std::vector<std::string>{"third: done"});
  // Whether the first line appears depends on whether its write had begun.
  CHECK((seen.substr(filled) == "first\nsecond\nthird\n" || seen.substr(filled) == "second\nthird\n"));
}

TEST_CASE("a page that all its jobs gave up is forgotten, and later jobs print", "[print]") {
  a_pipe out;
  const std::size_t filled = out.fill();
  program around{loop::clock_kind::real, out.writer()};
  print handler{{}, around.where};
  std::vector<std::string> outcomes;
  loop::task_scope jobs{around.loop};
  jobs.spawn("writer", handle_one(handler, "first", outcomes));
  around.loop.run_ready();
  for (int i = 0; i < 3; ++i)
    jobs.spawn("full page", handle_one(handler, std::string(print::gathered_bytes_max / 2, 'x'), outcomes));
  around.loop.run_ready();
  jobs.cancel();
  around.loop.run_ready();
  CHECK(jobs.size() == 0);
  jobs.spawn("late", handle_one(handler, "late", outcomes));
  std::string seen;
  std::thread reader{[&] { seen = out.read_to_end(); }};
  run_to_end(around, jobs);
  out.close_writer();
  reader.join();
  CHECK(outcomes == std::vector<std::string>{"late: done"});
  CHECK((seen.substr(filled) == "first\nlate\n" || seen.substr(filled) == "late\n"));
}
