#include "sources/lines.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <millrace/loop/deadline.hpp>

#include "loop/task_scope.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::sources;

namespace {

using texts = std::vector<std::string>;

/// A temporary folder.
struct temporary_folder {
  temporary_folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "millrace-lines-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~temporary_folder() { std::filesystem::remove_all(path); }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;

  std::string file(const std::string& content) const {
    const std::string name = path / "numbers.txt";
    std::ofstream{name, std::ios::binary} << content;
    return name;
  }
  std::filesystem::path path;
};

void append(const std::string& file, const std::string& content) {
  std::ofstream{file, std::ios::binary | std::ios::app} << content;
}

lines_options of_file(const std::string& name) {
  lines_options options;
  options.file = name;
  return options;
}

loop::awaitable<> collect(source& input, std::size_t most, texts& out) {
  for (;;) {
    const next_body next = input.next(instant{});
    if (std::holds_alternative<nothing_yet>(next)) {
      co_await input.more();
      continue;
    }
    if (std::holds_alternative<no_more>(next)) co_return out.push_back("no more");
    if (const auto* failure = std::get_if<error>(&next)) out.push_back("error: " + failure->text);
    if (const auto* content = std::get_if<body>(&next)) out.emplace_back(content->view());
    if (out.size() == most) co_return;
  }
}

/// Destroys the source when no more bodies are needed, as a producer does, since it keeps the loop running.
loop::awaitable<> collect_and_drop(std::unique_ptr<source> input, std::size_t most, texts& out) {
  co_await collect(*input, most, out);
}

/// Reads up to `most` bodies.
texts read_lines(const lines_options& options, int input = 0, std::size_t most = 100'000) {
  loop::event_loop loop;
  texts out;
  auto made = lines::make(options, {loop, input});
  if (!made) return {"error: " + made.error().text};
  loop::task_scope tasks{loop};
  tasks.spawn("reader", collect_and_drop(std::move(*made), most, out));
  loop.run();
  return out;
}

texts read_content(const std::string& content, lines_options options = {}) {
  const temporary_folder folder;
  options.file = folder.file(content);
  texts out = read_lines(options);
  for (std::string& each : out) {
    if (const std::size_t at = each.find(options.file); at != std::string::npos)
      each.replace(at, options.file.size(), "FILE");
  }
  return out;
}

}  // namespace

TEST_CASE("lines are returned in order, also the last one without a line end", "[lines]") {
  CHECK(read_content("157\n158\n159") == texts{"157", "158", "159", "no more"});
  CHECK(read_content("157\n158\n") == texts{"157", "158", "no more"});
  CHECK(read_content("") == texts{"no more"});
  CHECK(read_content("\n") == texts{"no more"});
}

TEST_CASE("line ends are removed, \\r only before \\n or at the end", "[lines]") {
  CHECK(read_content("157\r\n15\r8\r\n159\r") == texts{"157", "15\r8", "159", "no more"});
}

TEST_CASE("bytes are not converted, also NUL and invalid UTF-8", "[lines]") {
  CHECK(read_content(std::string{"a\0b\n\xff\xfe\n", 7}) == texts{std::string{"a\0b", 3}, "\xff\xfe", "no more"});
}

TEST_CASE("empty lines are skipped by default, and comments on request", "[lines]") {
  CHECK(read_content("a\n\n\r\nb\n") == texts{"a", "b", "no more"});
  CHECK(read_content("# source\n7\n") == texts{"# source", "7", "no more"});
  lines_options options;
  options.comment = "#";
  options.empty_lines = true;
  CHECK(read_content("# source\n\n7\n#\n 8 # not at the beginning\n", options) ==
        texts{"", "7", " 8 # not at the beginning", "no more"});
}

TEST_CASE("a line that is too long is an error with its number, and the next lines follow", "[lines]") {
  lines_options options;
  options.line_bytes_max = 10;
  const std::string complaint = "error: FILE:2: the line is longer than line_bytes_max (10B) and was skipped";
  const texts got = read_content("0123456789\n0123456789X\n3\n", options);
  REQUIRE(got.size() == 4);
  CHECK(got[0] == "0123456789");
  CHECK(got[1].starts_with("error: FILE:2: the line is longer than line_bytes_max ("));
  CHECK(got[1].ends_with(") and was skipped"));
  CHECK(got[2] == "3");
  CHECK(got[3] == "no more");
  CHECK(read_content("0123456789\r\n4\n", options) == texts{"0123456789", "4", "no more"});
  CHECK(read_content("1\n0123456789X", options).size() == 3);
}

TEST_CASE("a line of many megabytes is one error and is not held in memory", "[lines]") {
  line_splitter splitter{1000};
  const std::string chunk(65'536, 'x');
  std::size_t too_long = 0;
  for (int i = 0; i < 1000; ++i) {
    splitter.feed(chunk);
    while (const auto line = splitter.next()) too_long += line->too_long ? 1 : 0;
  }
  splitter.feed("tail\nnext\n");
  const auto line = splitter.next();
  REQUIRE(line.has_value());
  CHECK(line->text == "next");
  CHECK(line->number == 2);
  CHECK(too_long == 1);
  CHECK_FALSE(splitter.next().has_value());
}

TEST_CASE("lines are the same for every split of the bytes", "[lines]") {
  const std::string all = "first\r\nsecond\n\nfourth is longer than ten\r\nfifth\r";
  for (std::size_t size = 1; size < all.size(); ++size) {
    line_splitter splitter{10};
    texts out;
    const auto drain = [&] {
      while (const auto line = splitter.next())
        out.push_back(std::to_string(line->number) + (line->too_long ? "!" : ":" + std::string{line->text}));
    };
    for (std::size_t at = 0; at < all.size(); at += size) {
      splitter.feed(std::string_view{all}.substr(at, size));
      drain();
    }
    splitter.end();
    drain();
    CAPTURE(size);
    CHECK(out == texts{"1:first", "2:second", "3:", "4!", "5:fifth"});
  }
}

TEST_CASE("all lines of several chunks are returned", "[lines]") {
  std::string content;
  for (int i = 0; i < 50'000; ++i) content += std::to_string(i) + "\n";
  const texts got = read_content(content);
  REQUIRE(got.size() == 50'001);
  CHECK(got[0] == "0");
  CHECK(got[49'999] == "49999");
}

TEST_CASE("a missing file and a directory are errors when the source is made", "[lines]") {
  const temporary_folder folder;
  const std::string missing = folder.path / "missing.txt";
  CHECK(read_lines(of_file(missing)) == texts{"error: " + missing + " cannot be opened: No such file or directory"});
  CHECK(read_lines(of_file(folder.path)) == texts{"error: " + folder.path.string() + " is a directory"});
}

TEST_CASE("a file that is removed while it is read is read to its end", "[lines]") {
  const temporary_folder folder;
  const std::string name = folder.file("1\n2\n3\n");
  loop::event_loop loop;
  const auto made = lines::make(of_file(name), {loop, 0});
  REQUIRE(made.has_value());
  std::filesystem::remove(name);
  texts out;
  loop::task_scope tasks{loop};
  tasks.spawn("reader", collect(**made, 10, out));
  loop.run();
  CHECK(out == texts{"1", "2", "3", "no more"});
}

TEST_CASE("a failed read is an error, and then the source ends", "[lines]") {
  const int directory = open("/", O_RDONLY | O_CLOEXEC);
  REQUIRE(directory >= 0);
  CHECK(read_lines(of_file("-"), directory) ==
        texts{"error: standard input cannot be read: Is a directory", "no more"});
  close(directory);
}

TEST_CASE("- reads standard input until its writer closes it", "[lines]") {
  std::array<int, 2> ends{};
  REQUIRE(pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
  REQUIRE(write(ends[1], "157\n158", 7) == 7);
  close(ends[1]);
  lines_options options = of_file("-");
  options.follow = true;
  CHECK(read_lines(options, ends[0]) == texts{"157", "158", "no more"});
  close(ends[0]);
}

TEST_CASE("a named pipe is opened without blocking the loop", "[lines]") {
  const temporary_folder folder;
  const std::string name = folder.path / "pipe";
  REQUIRE(mkfifo(name.c_str(), 0600) == 0);
  const int both = open(name.c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(write(both, "157\n", 4) == 4);
  CHECK(read_lines(of_file(name), 0, 1) == texts{"157"});
  close(both);
}

TEST_CASE("a followed file gives new lines when they are complete", "[lines]") {
  const temporary_folder folder;
  const std::string name = folder.file("1\n2");
  const auto opened = line_input::open(name, true);
  REQUIRE(opened.has_value());
  line_input& input = **opened;
  CHECK(input.grows());
  line_splitter splitter{100};
  const auto next = [&]() -> std::string {
    for (;;) {
      if (const auto line = splitter.next()) return std::string{line->text};
      const std::string bytes = input.read().value();
      if (input.restarted()) splitter.restart();
      if (bytes.empty()) return "nothing yet";
      splitter.feed(bytes);
    }
  };
  CHECK(next() == "1");
  CHECK(next() == "nothing yet");
  append(name, "2\n3\n");
  CHECK(next() == "22");
  CHECK(next() == "3");
  CHECK(next() == "nothing yet");
  append(name, "unfinished");
  CHECK(next() == "nothing yet");
  std::filesystem::resize_file(name, 0);
  CHECK(next() == "nothing yet");
  append(name, "4\n");
  CHECK(next() == "4");
}

TEST_CASE("a followed file is endless, and a cancelled source ends", "[lines]") {
  const temporary_folder folder;
  lines_options options = of_file(folder.file("1\n"));
  options.follow = true;
  loop::event_loop loop;
  const auto made = lines::make(options, {loop, 0});
  REQUIRE(made.has_value());
  CHECK((*made)->endless());
  texts out;
  loop::task_scope tasks{loop};
  tasks.spawn("reader", collect(**made, 10, out));
  const auto cancel_after_one = [](loop::event_loop& event_loop, loop::task_scope& scope,
                                   const texts& seen) -> loop::awaitable<> {
    while (seen.empty()) co_await loop::sleep_for(event_loop, milliseconds{1});
    scope.cancel();
  };
  loop::task_scope canceller{loop};
  canceller.spawn("canceller", cancel_after_one(loop, tasks, out));
  loop.run();
  CHECK(out == texts{"1"});
}
