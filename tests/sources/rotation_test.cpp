// Files that are followed while others rotate them, and marks at the beginning of a file.
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "sources/line_input.hpp"
#include "sources/line_splitter.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::sources;

namespace {

using texts = std::vector<std::string>;

/// A followed file in a temporary folder, read as by `lines`.
class followed_file {
 public:
  followed_file() {
    std::string pattern = (std::filesystem::temp_directory_path() / "millrace-rotation-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    append("");
    input_ = line_input::open(path(), true).value();
  }
  ~followed_file() { std::filesystem::remove_all(folder_); }
  followed_file(const followed_file&) = delete;
  followed_file& operator=(const followed_file&) = delete;

  [[nodiscard]] std::string path(const char* name = "log") const { return folder_ / name; }
  void append(const std::string& content, const char* name = "log") const {
    std::ofstream{path(name), std::ios::binary | std::ios::app} << content;
  }
  void rename(const char* to) const { std::filesystem::rename(path(), path(to)); }

  /// Reads lines until the present end of the file.
  texts next_lines() {
    texts lines;
    for (;;) {
      while (const auto line = splitter_.next())
        lines.push_back(std::to_string(line->number) + ":" + std::string{line->text});
      const std::string bytes = input_->read().value();
      if (input_->restarted()) splitter_.restart();
      if (input_->replaced()) {
        splitter_.begin_next_file();
      } else if (bytes.empty()) {
        return lines;
      }
      splitter_.feed(bytes);
    }
  }

 private:
  std::filesystem::path folder_;
  std::shared_ptr<line_input> input_;
  line_splitter splitter_{100};
};

/// The lines of a text that is fed in pieces of this size. Empty for UTF-16.
std::optional<texts> lines_of(const std::string& content, std::size_t piece) {
  line_splitter splitter{100};
  texts lines;
  const auto take_lines = [&] {
    while (const auto line = splitter.next()) lines.emplace_back(line->text);
  };
  for (std::size_t at = 0; at < content.size(); at += piece) {
    splitter.feed(content.substr(at, piece));
    take_lines();
  }
  splitter.end();
  take_lines();
  if (splitter.is_utf16()) return std::nullopt;
  return lines;
}

}  // namespace

TEST_CASE("a renamed file is read to its end, and then the new file with its name", "[lines]") {
  followed_file log;
  log.append("a\n");
  CHECK(log.next_lines() == texts{"1:a"});
  log.append("b\n");
  log.rename("log.1");
  log.append("c\n", "log.1");
  CHECK(log.next_lines() == texts{"2:b", "3:c"});
  log.append("d\n", "log.1");  // no other file has the name yet
  CHECK(log.next_lines() == texts{"4:d"});
  log.append("e\n", "log.1");
  log.append("f\ng\n");
  CHECK(log.next_lines() == texts{"5:e", "1:f", "2:g"});
  log.append("h\n");
  CHECK(log.next_lines() == texts{"3:h"});
}

TEST_CASE("the last line of a renamed file needs no line end", "[lines]") {
  followed_file log;
  log.append("a\nb");
  CHECK(log.next_lines() == texts{"1:a"});
  log.rename("log.1");
  log.append("c\n");
  CHECK(log.next_lines() == texts{"2:b", "1:c"});
}

TEST_CASE("a followed file that is deleted and created again is read from its beginning", "[lines]") {
  followed_file log;
  log.append("a\n");
  CHECK(log.next_lines() == texts{"1:a"});
  std::filesystem::remove(log.path());
  CHECK(log.next_lines().empty());
  log.append("b\n");
  CHECK(log.next_lines() == texts{"1:b"});
}

TEST_CASE("a followed file that is truncated is read from its beginning", "[lines]") {
  followed_file log;
  log.append("a\nb\n");
  CHECK(log.next_lines() == texts{"1:a", "2:b"});
  std::filesystem::copy(log.path(), log.path("log.1"));
  std::filesystem::resize_file(log.path(), 0);
  log.append("c\n");
  CHECK(log.next_lines() == texts{"1:c"});
}

TEST_CASE("each line is read once through many rotations", "[lines]") {
  followed_file log;
  texts written;
  texts read;
  for (int round = 0; round < 50; ++round) {
    for (int line = 0; line < round % 7; ++line) {
      written.push_back(std::to_string(round) + "." + std::to_string(line));
      log.append(written.back() + "\n");
    }
    if (round % 3 == 0) {
      log.rename("log.1");
      written.push_back("late " + std::to_string(round));
      log.append(written.back() + "\n", "log.1");
    }
    for (const auto& line : log.next_lines()) read.push_back(line.substr(line.find(':') + 1));
    if (round % 3 == 0) log.append("");
  }
  CHECK(read == written);
}

TEST_CASE("a UTF-8 byte order mark is skipped, and UTF-16 gives no lines", "[lines]") {
  const std::string mark{"\xEF\xBB\xBF"};
  for (const std::size_t piece : {1u, 2u, 3u, 100u}) {
    CAPTURE(piece);
    CHECK(lines_of(mark + "157\n158\n", piece) == texts{"157", "158"});
    CHECK(lines_of("157\n" + mark + "158\n", piece) == texts{"157", mark + "158"});
    CHECK(lines_of(mark, piece) == texts{});
    CHECK(lines_of("\xEF\xBB", piece) == texts{"\xEF\xBB"});
    CHECK(lines_of("\xEF\n", piece) == texts{"\xEF"});
    CHECK(lines_of("\xFF", piece) == texts{"\xFF"});
    CHECK(lines_of("", piece) == texts{});
    CHECK_FALSE(lines_of(std::string{"\xFF\xFE"
                                     "1\0\n\0",
                                     6},
                         piece));
    CHECK_FALSE(lines_of(std::string{"\xFE\xFF\0"
                                     "1\0\n",
                                     6},
                         piece));
  }
}
