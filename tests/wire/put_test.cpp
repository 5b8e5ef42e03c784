#include <string>
#include <string_view>

#include "cuts.hpp"
#include "support/catch.hpp"
#include "wire/beanstalk_command.hpp"

using namespace millrace;
using namespace std::string_literals;
using testing::check_commands;
using testing::transcript;

namespace {

std::string put(std::uint64_t announced, const std::string& rest) {
  return "put 0 0 10 " + std::to_string(announced) + "\r\n" + rest;
}

/// Cuts are tried at all boundaries, but not at each byte of a long body.
std::vector<std::size_t> edges_of(std::size_t head, std::size_t body_bytes) {
  std::vector<std::size_t> places;
  for (std::size_t n = 0; n <= head + 2; ++n) places.push_back(n);
  for (std::size_t n = head + body_bytes - 2; n <= head + body_bytes + 6; ++n) places.push_back(n);
  return places;
}

}  // namespace

TEST_CASE("a body is any bytes, also none, CR LF, NUL and lines that look like commands") {
  for (const std::string& bytes :
       {"a"s, "\r\n"s, "\r"s, "\n"s, "\r\n\r\n"s, "\0"s, "a\0b"s, "quit\r\n"s, "put 0 0 1 1\r\nx\r\n"s, "\xFF\xFE"s}) {
    const auto count = std::to_string(bytes.size());
    check_commands(put(bytes.size(), bytes + "\r\n") + "quit\r\n",
                   {"put ttr=10 count=" + count + " content=" + bytes, "quit"});
  }
  check_commands(put(0, "\r\n") + "quit\r\n", {"put ttr=10", "quit"});
}

TEST_CASE("a body that is longer than announced leaves its tail to be read as commands") {
  check_commands(put(3, "abcde\r\nlist-tube-used\r\n"),
                 {"expected_crlf put ttr=10 count=3", "unknown_command", "list-tube-used"});
  check_commands(put(3, "abcd\r\nquit\r\n"), {"expected_crlf put ttr=10 count=3", "unknown_command"});
  check_commands(put(0, "quit\r\nquit\r\n"), {"expected_crlf put ttr=10", "unknown_command", "quit"});
}

TEST_CASE("a body that is shorter than announced eats of the next command") {
  check_commands(put(3, "ab\r\nlist-tube-used\r\n"), {"expected_crlf put ttr=10 count=3", "unknown_command"});
  check_commands(put(3, "a\r\nquit\r\n"), {"expected_crlf put ttr=10 count=3", "unknown_command"});
}

TEST_CASE("what ends a body is CR LF and nothing else, and both bytes are taken") {
  for (const char* end : {"\n\r", "\r\r", "\n\n", "xx", "\rx", "x\n", "  "})
    check_commands(put(1, "a"s + end + "quit\r\n"), {"expected_crlf put ttr=10 count=1", "quit"});
}

TEST_CASE("a line that is refused swallows no body") {
  check_commands("put 0 0 60 -1\r\nabc\r\n", {"bad_format", "unknown_command"});
  check_commands("put 0 0 10 1 \r\na\r\n", {"bad_format", "unknown_command"});
  check_commands("put 0 0 10 4294967296\r\nquit\r\n", {"bad_format", "quit"});
  check_commands("put 0 0 10 6 junk\r\nquit\r\n", {"bad_format", "quit"}, 5);
}

TEST_CASE("bodies up to the limit are taken, one byte more is too big, and the stream stays in step") {
  for (const std::uint32_t limit : {0u, 1u, 7u}) {
    const std::string longest(limit, 'x');
    const auto count = std::to_string(limit), more = std::to_string(limit + 1);
    const auto numbers = limit == 0 ? "" : " count=" + count + " content=" + longest;
    check_commands(put(limit, longest + "\r\n") + "quit\r\n", {"put ttr=10" + numbers, "quit"}, limit);
    check_commands(put(limit + 1, longest + "x\r\nquit\r\n"), {"job_too_big put ttr=10 count=" + more, "quit"}, limit);
    // The bytes in the place of the CR LF do not matter then.
    check_commands(put(limit + 1, longest + "xyzquit\r\n"), {"job_too_big put ttr=10 count=" + more, "quit"}, limit);
  }
}

TEST_CASE("a body of 65,535 bytes, the usual limit, is taken, and one of a byte more is too big") {
  const std::string longest(65'535, 'x');
  const std::size_t head = put(65'535, "").size();
  check_commands(put(65'535, longest + "\r\nquit\r\n"), {"put ttr=10 count=65535 content=" + longest, "quit"}, 65'535,
                 edges_of(head, 65'535));
  check_commands(put(65'536, longest + "x\r\nquit\r\n"), {"job_too_big put ttr=10 count=65536", "quit"}, 65'535,
                 edges_of(head, 65'536));
}

TEST_CASE("a body of four gigabytes is skipped to its last byte and never kept") {
  wire::beanstalk_command_reader reader{65'535};
  const std::string line = put(4'294'967'295, "");
  std::string_view bytes = line;
  wire::beanstalk_command into;
  using found = wire::beanstalk_command_reader::found;
  REQUIRE(reader.next(bytes, into) == found::nothing);
  const std::string piece(std::size_t{1} << 20, '\r');
  for (int n = 0; n < 4'096; ++n) {
    bytes = piece;
    const bool last = n == 4'095;
    if (last) bytes.remove_suffix(1);  // 2^32 bytes and one more are body and CR LF
    if (reader.next(bytes, into) != found::nothing || !bytes.empty()) FAIL("ended after piece " << n);
  }
  const std::string rest = "xyquit\r\n";
  bytes = rest;
  REQUIRE(reader.next(bytes, into) == found::job_too_big);
  CHECK(into.count == 4'294'967'295);
  CHECK(bytes == "quit\r\n");
  CHECK(reader.at_rest());
}

TEST_CASE("with the highest possible limit of bodies a put is read as usual") {
  check_commands(put(3, "abc\r\n"), {"put ttr=10 count=3 content=abc"}, 4'294'967'295);
}

TEST_CASE("a body leaves nothing behind in the next command") {
  check_commands("put 1 2 3 4\r\nabcd\r\nput 0 0 0 0\r\n\r\ndelete 1\r\nput 0 0 0 9\r\n123456789\r\nput 0 0 0 1\r\nxyz",
                 {"put pri=1 delay=2 ttr=3 count=4 content=abcd", "put", "delete job=1", "job_too_big put count=9",
                  "expected_crlf put count=1"},
                 5);
}

TEST_CASE(
    "a body for which the memory of all runs out on its way is skipped to its end, and all it had is given back") {
  using reader_type = wire::beanstalk_command_reader;
  const std::string all = put(10, "0123456789\r\nquit\r\n");
  const auto head = put(10, "").size();
  for (std::size_t cut = head; cut <= head + 5; ++cut) {
    for (std::size_t second = cut; second < head + 12; ++second) {
      CAPTURE(cut, second);
      wire::body_budget budget{5};
      {
        reader_type reader{100, &budget};
        wire::beanstalk_command into;
        std::vector<reader_type::found> seen;
        for (const auto& piece : {all.substr(0, cut), all.substr(cut, second - cut), all.substr(second)}) {
          std::string_view bytes = piece;
          while (!bytes.empty()) {
            const auto found = reader.next(bytes, into);
            if (found != reader_type::found::nothing) seen.push_back(found);
          }
        }
        CHECK(seen == std::vector{reader_type::found::out_of_memory, reader_type::found::command});
        CHECK(into.verb == wire::beanstalk_verb::quit);
        CHECK(budget.bytes_left == 5);
        std::string_view bytes = std::string_view{all}.substr(0, head + 3);
        CHECK(reader.next(bytes, into) == reader_type::found::nothing);
        CHECK(reader.in_body());
        CHECK(budget.bytes_left == 2);
      }
      CHECK(budget.bytes_left == 5);
    }
  }
}
