#include "handlers/file.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "handlers/program.hpp"
#include "handlers/waiting.hpp"
#include "loop/task_scope.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::handlers;

namespace {

using texts = std::vector<std::string>;

/// A loop with a manual clock, and a folder for files.
struct file_fixture : handler_fixture {
  file_fixture() {
    char name[] = "/tmp/file_XXXXXX";
    folder = ::mkdtemp(name);
  }
  ~file_fixture() { std::filesystem::remove_all(folder); }
  file_fixture(const file_fixture&) = delete;
  file_fixture& operator=(const file_fixture&) = delete;

  [[nodiscard]] std::string path(std::string_view name) const { return folder + "/" + std::string{name}; }
  [[nodiscard]] file_options options(std::string_view name) const {
    return {.path = path_template::parse(path(name)).value()};
  }
  [[nodiscard]] std::string content(std::string_view name) const {
    std::ifstream file{path(name)};
    return {std::istreambuf_iterator<char>{file}, {}};
  }
  void write(std::string_view name, std::string_view content) const { std::ofstream{path(name)} << content; }

  /// Handles one job for each content, all at the same time.
  texts handle(file& handler, const texts& contents) {
    texts outcomes;
    loop::task_scope jobs{loop};
    for (const auto& content : contents) jobs.spawn("slot", handle_one(handler, content, outcomes));
    while (jobs.size() != 0) loop.run_ready();
    return outcomes;
  }

  /// Adds a line for each content to the file `lines`.
  [[nodiscard]] std::vector<std::shared_ptr<line_files::line>> add(line_files& files, const texts& contents) const {
    std::vector<std::shared_ptr<line_files::line>> lines;
    for (const auto& content : contents) {
      lines.push_back(std::make_shared<line_files::line>());
      lines.back()->path = path("lines");
      lines.back()->content = body{content};
      files.add(lines.back());
    }
    return lines;
  }

  std::string folder;
};

/// A job that begins at the next turn, for a test that cancels it.
struct job_to_cancel : file_fixture {
  job_to_cancel() { scope.spawn("slot", handle_one(handler, "cancelled", outcomes)); }

  file handler{options("lines"), context};
  texts outcomes;
  loop::task_scope scope{loop};
};

/// Files that this process writes cannot become longer than `bytes` for as long as this object lives.
struct size_limit {
  explicit size_limit(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit limited{bytes, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limited);
  }
  ~size_limit() { ::setrlimit(RLIMIT_FSIZE, &before); }
  size_limit(const size_limit&) = delete;
  size_limit& operator=(const size_limit&) = delete;

  rlimit before{};
};

}  // namespace

TEST_CASE("file appends a line for each job, in the order of the jobs", "[file]") {
  file_fixture fixture;
  fixture.write("lines", "before\n");
  file handler{fixture.options("lines"), fixture.context};
  CHECK(fixture.handle(handler, {"one", "", "two\nlines"}) == texts{"one: done", ": done", "two\nlines: done"});
  CHECK(fixture.content("lines") == "before\none\n\ntwo\nlines\n");
  texts many;
  std::string expected = fixture.content("lines");
  for (int n = 0; n < 500; ++n) expected += many.emplace_back("line " + std::to_string(n)) + "\n";
  CHECK(fixture.handle(handler, many).size() == 500);
  CHECK(fixture.content("lines") == expected);
}

TEST_CASE("file takes its path and its text from the job, and rejects what makes no name", "[file]") {
  file_fixture fixture;
  auto options = fixture.options("${field:1}.log");
  options.text = job_template::parse("${id} ${field:2}").value();
  options.sync = GENERATE(line_sync::none, line_sync::each, line_sync::interval);
  file handler{options, fixture.context};
  CHECK(fixture.handle(handler, {"a x", "b y", "a z", "../c x", "a"}) ==
        texts{R"(../c x: "../c.log" cannot be the name of a file)", "a: `${field:2}`: the body has 1 field",
              "a x: done", "b y: done", "a z: done"});
  CHECK(fixture.content("a.log") == "1 x\n1 z\n");
  CHECK(fixture.content("b.log") == "1 y\n");
}

TEST_CASE("file closes its files at a reload, synced, and opens them again for the next line", "[file]") {
  file_fixture fixture;
  auto options = fixture.options("lines");
  options.sync = GENERATE(line_sync::none, line_sync::interval);
  file handler{options, fixture.context};
  fixture.handle(handler, {"one"});
  CHECK(handler.open_files() == 1);
  handler.reopen_files();
  while (handler.open_files() != 0) fixture.loop.run_ready();
  CHECK(fixture.handle(handler, {"two"}) == texts{"two: done"});
  CHECK(fixture.content("lines") == "one\ntwo\n");
}

TEST_CASE("file opens a file again that was renamed, removed or cut", "[file]") {
  file_fixture fixture;
  file handler{fixture.options("lines"), fixture.context};
  fixture.handle(handler, {"one"});
  std::filesystem::rename(fixture.path("lines"), fixture.path("lines.1"));
  fixture.handle(handler, {"two"});
  CHECK(fixture.content("lines.1") == "one\n");
  CHECK(fixture.content("lines") == "two\n");
  std::filesystem::remove(fixture.path("lines"));
  fixture.handle(handler, {"three"});
  CHECK(fixture.content("lines") == "three\n");
  CHECK(::truncate(fixture.path("lines").c_str(), 0) == 0);
  fixture.handle(handler, {"four"});
  CHECK(fixture.content("lines") == "four\n");
}

TEST_CASE("file fails the jobs whose lines do not fit, and leaves no part of a line", "[file]") {
  file_fixture fixture;
  file handler{fixture.options("lines"), fixture.context};
  {
    const size_limit limit{10};
    const auto failed = ": " + fixture.path("lines") + " cannot be written: File too large";
    CHECK(fixture.handle(handler, {"12345"}) == texts{"12345: done"});
    CHECK(fixture.handle(handler, {"67890"}) == texts{"67890" + failed});
    CHECK(fixture.content("lines") == "12345\n");
    CHECK(fixture.handle(handler, {"abc"}) == texts{"abc: done"});
    CHECK(fixture.handle(handler, {"x"}) == texts{"x" + failed});
  }
  CHECK(fixture.handle(handler, {"67890"}) == texts{"67890: done"});
  CHECK(fixture.content("lines") == "12345\nabc\n67890\n");
}

TEST_CASE("file ends an unfinished last line before it appends", "[file]") {
  file_fixture fixture;
  fixture.write("lines", "unfinis");
  file handler{fixture.options("lines"), fixture.context};
  {
    const size_limit limit{9};
    fixture.handle(handler, {"12345"});
    CHECK(fixture.content("lines") == "unfinis");
  }
  fixture.handle(handler, {"one", "two"});
  CHECK(fixture.content("lines") == "unfinis\none\ntwo\n");
}

TEST_CASE("file fails jobs whose file cannot be opened or is no regular file", "[file]") {
  file_fixture fixture;
  file missing{fixture.options("nowhere/lines"), fixture.context};
  CHECK(fixture.handle(missing, {"a"}) ==
        texts{"a: " + fixture.path("nowhere/lines") + " cannot be opened: No such file or directory"});
  file device{{.path = path_template::parse("/dev/null").value()}, fixture.context};
  CHECK(fixture.handle(device, {"a"}) == texts{"a: /dev/null is no regular file"});
  CHECK(device.open_files() == 0);
  file directory{{.path = path_template::parse(fixture.folder).value()}, fixture.context};
  CHECK(fixture.handle(directory, {"a"}) == texts{"a: " + fixture.folder + " cannot be opened: Is a directory"});
}

TEST_CASE("file has no more than files_max files open, and closes those that get no lines", "[file]") {
  file_fixture fixture;
  auto options = fixture.options("${body}");
  options.files_max = 2;
  options.sync = GENERATE(line_sync::none, line_sync::interval);
  file handler{options, fixture.context};
  fixture.handle(handler, {"a", "b", "c", "d"});
  CHECK(handler.open_files() == 2);
  fixture.handle(handler, {"a"});
  CHECK(fixture.content("a") == "a\na\n");
  const auto until_closed = [&](std::size_t left) {
    while (handler.open_files() != left) fixture.loop.run_ready();
  };
  fixture.loop.advance(file::idle_max / 2);
  fixture.handle(handler, {"d"});
  fixture.loop.advance(file::idle_max / 2);
  until_closed(1);
  fixture.loop.advance(file::idle_max);
  until_closed(0);
  fixture.handle(handler, {"d"});
  CHECK(fixture.content("d") == "d\nd\nd\n");
}

TEST_CASE("a job of file that is cancelled before its write began leaves no line", "[file]") {
  job_to_cancel at;
  at.scope.cancel();
  at.loop.run_ready();
  CHECK(at.handle(at.handler, {"one"}) == texts{"one: done"});
  CHECK(at.content("lines") == "one\n");
  CHECK(at.outcomes.empty());
}

TEST_CASE("file closes the file of a job that was cancelled while its line was written", "[file]") {
  job_to_cancel at;
  at.loop.run_ready();
  while (at.handler.open_files() == 0) std::this_thread::yield();
  at.scope.cancel();
  at.loop.run_ready();
  for (int n = 0; n < 2; ++n) at.loop.advance(file::idle_max);
  while (at.handler.open_files() != 0) at.loop.run_ready();
  CHECK(at.content("lines") == "cancelled\n");
}

TEST_CASE("in one write the lines behind the one that does not fit fail with it", "[file]") {
  const file_fixture fixture;
  line_files files{line_sync::none, 4};
  const auto lines = fixture.add(files, {"12345", "67890", "abc"});
  const size_limit limit{10};
  CHECK(files.write(*lines[0]).has_value());
  CHECK(files.write(*lines[1]).has_error());
  CHECK(files.write(*lines[2]).has_error());
  CHECK(fixture.content("lines") == "12345\n");
}

TEST_CASE("a line that is withdrawn before it is written is not written, and the others are", "[file]") {
  const file_fixture fixture;
  line_files files{line_sync::none, 4};
  const auto lines = fixture.add(files, {"withdrawn", "kept"});
  files.withdraw(*lines.front());
  const auto withdrawn = files.write(*lines.front());
  REQUIRE(withdrawn.has_error());
  CHECK(withdrawn.error().code == errc::cancelled);
  CHECK(files.write(*lines.back()).has_value());
  CHECK(fixture.content("lines") == "kept\n");
}
