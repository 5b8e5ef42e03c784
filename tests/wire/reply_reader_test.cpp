#include <limits>
#include <string>

#include "cuts.hpp"
#include "support/catch.hpp"
#include "wire/beanstalk_command.hpp"
#include "wire/beanstalk_reply.hpp"

using namespace millrace;
using namespace std::string_literals;
using found = wire::beanstalk_reply_reader::found;
using testing::check_replies;
using testing::transcript;
using wire::beanstalk_word;

TEST_CASE("every word is read as it was written, however it is cut") {
  std::string bytes;
  transcript expected;
  const auto check = [&](const std::string& reply, const std::string& text) {
    check_replies(reply, {text});
    bytes += reply;
    expected.push_back(text);
  };
  for (auto word = beanstalk_word::deleted; word < beanstalk_word::inserted;
       word = static_cast<beanstalk_word>(static_cast<int>(word) + 1)) {
    std::string reply;
    wire::append(reply, word);
    check(reply, std::string{wire::text_of(word)});
  }
  for (const auto word :
       {beanstalk_word::inserted, beanstalk_word::buried_job, beanstalk_word::kicked_count, beanstalk_word::watching}) {
    for (const auto number : {std::uint64_t{1}, std::numeric_limits<std::uint64_t>::max()}) {
      std::string reply;
      wire::append(reply, word, number);
      check(reply, std::string{wire::text_of(word)} + "+ " + std::to_string(number));
    }
  }
  for (const auto& name : {"t"s, std::string(200, 'n')}) {
    std::string reply;
    wire::append_using(reply, name);
    check(reply, "USING+ tube=" + name);
  }
  for (const auto& chunk : {""s, "abc"s, "\r\n"s, "DELETED\r\n"s, "\0\r"s, std::string(300, '\r')}) {
    for (const auto word : {beanstalk_word::reserved, beanstalk_word::found}) {
      std::string reply;
      wire::append_head(reply, word, 9, chunk.size());
      check(reply + chunk + "\r\n", std::string{wire::text_of(word)} + "+ 9 chunk=" + chunk);
    }
    std::string reply;
    wire::append_chunk(reply, chunk);
    check(reply, "OK+ chunk=" + chunk);
  }
  check_replies(bytes, expected);
}

TEST_CASE("the argument distinguishes the two meanings of BURIED and KICKED") {
  wire::beanstalk_reply_reader reader;
  wire::beanstalk_reply reply;
  std::string_view bytes = "BURIED\r\nBURIED 7\r\nKICKED\r\nKICKED 0\r\n";
  for (const auto word :
       {beanstalk_word::buried, beanstalk_word::buried_job, beanstalk_word::kicked, beanstalk_word::kicked_count}) {
    REQUIRE(reader.next(bytes, reply) == found::reply);
    CHECK(reply.word == word);
  }
  CHECK(bytes.empty());
}

TEST_CASE("a reply that lies whole in the bytes is not copied, and one in pieces takes no byte of the next") {
  wire::beanstalk_reply_reader reader;
  wire::beanstalk_reply reply;
  const std::string given = "RESERVED 1 3\r\nabc\r\nRESER";
  std::string_view bytes = given;
  REQUIRE(reader.next(bytes, reply) == found::reply);
  CHECK(reply.chunk.data() == given.data() + 14);
  REQUIRE(reader.next(bytes, reply) == found::nothing);
  CHECK(bytes.empty());
  bytes = "VED 2 4\r\nab";
  REQUIRE(reader.next(bytes, reply) == found::nothing);
  bytes = "cd\r\nDELETED\r\n";
  REQUIRE(reader.next(bytes, reply) == found::reply);
  CHECK(reply.number == 2);
  CHECK(reply.chunk == "abcd");
  CHECK(bytes == "DELETED\r\n");
  REQUIRE(reader.next(bytes, reply) == found::reply);
  CHECK(reply.word == beanstalk_word::deleted);
}

TEST_CASE("what no server says is nonsense, after what was said before it") {
  for (const std::string& line : {""s,
                                  " "s,
                                  "deleted"s,
                                  "DELETE"s,
                                  "DELETEDX"s,
                                  "DELETED "s,
                                  " DELETED"s,
                                  "DELETED 1"s,
                                  "INSERTED"s,
                                  "INSERTED "s,
                                  "INSERTED x"s,
                                  "INSERTED -1"s,
                                  "INSERTED 1 "s,
                                  "INSERTED  1"s,
                                  "INSERTED 1 2"s,
                                  "INSERTED 18446744073709551616"s,
                                  "BURIED "s,
                                  "BURIED x"s,
                                  "KICKED x"s,
                                  "WATCHING"s,
                                  "USING"s,
                                  "USING "s,
                                  "USING -a"s,
                                  "USING a b"s,
                                  "USING  a"s,
                                  "USING a\rb"s,
                                  "RESERVED 1"s,
                                  "RESERVED 1 "s,
                                  "RESERVED 1 x"s,
                                  "RESERVED 1 2 3"s,
                                  "RESERVED"s,
                                  "FOUND 1 -1"s,
                                  "OK"s,
                                  "OK x"s,
                                  "OK 1 2"s,
                                  "OK 1073741825"s,
                                  "RESERVED 1 1073741825"s,
                                  "RESERVED 1 99999999999999999999"s,
                                  "HTTP/1.1 400 Bad Request"s,
                                  "DELETED\n"s,
                                  "DELETED\r"s,
                                  "\0"s,
                                  "DELETED\0"s,
                                  std::string(206, 'x')}) {
    check_replies("DELETED\r\n" + line + "\r\nDELETED\r\n", {"DELETED", "nonsense"});
  }
}

TEST_CASE("a line that does not end is nonsense once no reply can be as long") {
  REQUIRE(wire::reply_line_bytes_max == 208);
  check_replies(std::string(207, 'x'), {});
  check_replies("USING " + std::string(200, 'n') + "\r\n", {"USING+ tube=" + std::string(200, 'n')});
  check_replies(std::string(208, 'x'), {"nonsense"});
  check_replies(std::string(207, 'x') + "\r\n", {"nonsense"});
}

TEST_CASE("a chunk without its CR LF is nonsense") {
  for (const char* end : {"xx", "\rx", "x\n", "\n\r", "\r\r"}) {
    check_replies("OK 3\r\nabc"s + end + "DELETED\r\n", {"nonsense"});
    check_replies("RESERVED 1 0\r\n"s + end, {"nonsense"});
  }
}

TEST_CASE("the longest chunk is waited for, and takes no memory before it comes") {
  wire::beanstalk_reply_reader reader;
  wire::beanstalk_reply reply;
  std::string_view bytes = "OK 1073741824\r\nabc";
  CHECK(reader.next(bytes, reply) == found::nothing);
  CHECK(bytes.empty());
}

TEST_CASE("after nonsense there is nothing but nonsense") {
  wire::beanstalk_reply_reader reader;
  wire::beanstalk_reply reply;
  std::string_view bytes = "what?\r\n";
  CHECK(reader.next(bytes, reply) == found::nonsense);
  bytes = "DELETED\r\n";
  CHECK(reader.next(bytes, reply) == found::nonsense);
}
