#include <string>
#include <string_view>

#include "cuts.hpp"
#include "support/catch.hpp"
#include "wire/beanstalk_command.hpp"

using namespace millrace;
using namespace std::string_literals;
using testing::check_commands;

namespace {

/// A line of so many bytes with its CR LF. It is a command unless it is too long.
std::string line_of(std::size_t bytes) {
  const std::string start = "delete ", end = "7\r\n";
  return start + std::string(bytes - start.size() - end.size(), '0') + end;
}

}  // namespace

TEST_CASE("a line of 224 bytes is executed, a longer one is not, wherever it is cut") {
  for (const std::size_t bytes : {222u, 223u, 224u}) {
    REQUIRE(line_of(bytes).size() == bytes);
    check_commands(line_of(bytes) + "quit\r\n", {"delete job=7", "quit"});
  }
  for (const std::size_t bytes : {225u, 226u, 227u, 447u, 448u, 449u, 450u, 672u, 673u})
    check_commands(line_of(bytes) + "quit\r\n", {"bad_format", "quit"});
  check_commands(line_of(10'000) + "quit\r\n", {"bad_format", "quit"}, 10, {1, 223, 224, 225, 9'999});
}

TEST_CASE("a long line ends at its first CR LF, whatever CRs and LFs stand in it") {
  for (std::size_t at = 220; at <= 230; ++at) {
    for (const char* in_it : {"\r", "\n", "\n\r", "\r\r", "\r\r\r\r", "\rx"}) {
      std::string line(260, 'x');
      line.replace(at, std::string_view{in_it}.size(), in_it);
      check_commands(line + "\r\nquit\r\n", {"bad_format", "quit"});
    }
    // CRs up to the end.
    check_commands(std::string(at, 'x') + std::string(10, '\r') + "\nquit\r\n", {"bad_format", "quit"});
    // A line of that length, and another one after it.
    check_commands(line_of(at) + line_of(at) + "quit\r\n",
                   at > 224 ? testing::transcript{"bad_format", "bad_format", "quit"}
                            : testing::transcript{"delete job=7", "delete job=7", "quit"});
  }
}

TEST_CASE("a long line is refused once, also one with a NUL or of NULs") {
  check_commands(std::string(1'000, '\0') + "\r\n", {"bad_format"});
  check_commands(std::string(224, ' ') + "put 0 0 1 1\r\na\r\n", {"bad_format", "unknown_command"});
}

TEST_CASE("a bare LF does not end a command") {
  check_commands("list-tube-used\n", {});
  check_commands("delete 1\n\r\nquit\r\n", {"bad_format", "quit"});
  check_commands("list-tube-used\nquit\r\n", {"unknown_command"});
  check_commands("\nquit\r\n", {"unknown_command"});
}

TEST_CASE("the first CR LF ends a line, and a CR before anything else is just a bad byte") {
  check_commands("a\rb\r\nquit\r\n", {"unknown_command", "quit"});
  check_commands("\r\r\nquit\r\n", {"unknown_command", "quit"});
  check_commands("\r\r\r\r\r\nquit\r\n", {"unknown_command", "quit"});
  check_commands("delete 1\r\r\nquit\r\n", {"bad_format", "quit"});
  check_commands("delete 1\r2\r\nquit\r\n", {"bad_format", "quit"});
  check_commands("use a\r\rb\r\nquit\r\n", {"bad_format", "quit"});
}

TEST_CASE("hundreds of commands are read in order, in pieces of any size") {
  std::string bytes;
  testing::transcript expected;
  for (int n = 1; n <= 300; ++n) {
    const auto number = std::to_string(n);
    bytes += "put " + number + " 0 60 2\r\nhi\r\nreserve\r\ndelete " + number + "\r\n";
    expected.insert(expected.end(),
                    {"put pri=" + number + " ttr=60 count=2 content=hi", "reserve", "delete job=" + number});
  }
  for (const std::size_t piece : {1u, 2u, 3u, 7u, 64u, 1'000u, 100'000u}) {
    testing::command_reading commands{10};
    for (std::size_t from = 0; from < bytes.size(); from += piece)
      REQUIRE(commands.feed(std::string_view{bytes}.substr(from, piece)));
    CHECK(commands.results() == expected);
  }
}
