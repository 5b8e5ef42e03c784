#include "http/request_head.hpp"

#include <string>
#include <string_view>

#include "support/catch.hpp"

using millrace::http::is_safe_chunk_extension;
using millrace::http::request_head;
using verdict = request_head::verdict;

namespace {

constexpr std::string_view small = "GET / HTTP/1.1\r\nHost: it\r\n\r\n";

/// The verdict on bytes that arrive one by one. It must be the same for every split.
verdict checked_by_bytes(std::string_view bytes, request_head& head) {
  auto last = verdict::incomplete;
  for (std::size_t come = 1; come <= bytes.size() && last == verdict::incomplete; ++come)
    last = head.check(bytes.substr(0, come));
  return last;
}

}  // namespace

TEST_CASE("a head ends with its empty line") {
  request_head whole, in_bytes;
  CHECK(whole.check(std::string{small} + "GET /next") == verdict::complete);
  CHECK(whole.size() == small.size());
  CHECK(checked_by_bytes(small, in_bytes) == verdict::complete);
  CHECK(in_bytes.size() == small.size());
}

TEST_CASE("a head is incomplete until its last byte") {
  for (std::size_t bytes = 0; bytes < small.size(); ++bytes) {
    request_head head;
    INFO(bytes);
    CHECK(head.check(small.substr(0, bytes)) == verdict::incomplete);
  }
}

TEST_CASE("bytes that do not begin a request are refused at the first byte") {
  for (const std::string_view bytes : {"\x16\x03\x01", "\r\n", " GET", "\n", "\x7f", "\xff"}) {
    request_head head;
    INFO(bytes);
    CHECK(checked_by_bytes(bytes, head) == verdict::refused);
    CHECK(head.status() == 400);
    CHECK_FALSE(head.reason().empty());
  }
}

TEST_CASE("the head of a request that was refused stays refused") {
  request_head head;
  REQUIRE(head.check("GET / HTTP/1.1\nHost: it\r\n\r\n") == verdict::refused);
  CHECK(head.check(small) == verdict::refused);
}

TEST_CASE("a chunk extension is safe without control characters") {
  CHECK(is_safe_chunk_extension(""));
  CHECK(is_safe_chunk_extension(";a=\"b c\"\t;d"));
  CHECK_FALSE(is_safe_chunk_extension(";a=\"\n0\r\n\r\n\""));
  CHECK_FALSE(is_safe_chunk_extension(std::string_view{";a\0", 3}));
}
