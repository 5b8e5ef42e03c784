#include "handlers/http.hpp"

#include <string>

#include "handlers/program.hpp"
#include "handlers/retry_after.hpp"
#include "support/catch.hpp"

using namespace millrace;
using namespace millrace::handlers;

namespace {

std::string refusal(std::string_view key, std::string_view text) {
  const auto& table = http_option_table();
  const auto owner = table.make();
  const auto* const option = table.find(key);
  const auto read =
      option->read_list ? option->read_list(owner.get(), {std::string{text}}) : option->read(owner.get(), text);
  return read ? std::string{} : read.error().text;
}

std::optional<duration> wait(std::string_view value) {
  return parse_retry_after(value, "Sun, 06 Nov 1994 08:49:37 GMT");
}

}  // namespace

TEST_CASE("Retry-After is read as seconds", "[http]") {
  CHECK(wait("0") == seconds{0});
  CHECK(wait(" 120 ") == seconds{120});
  CHECK(wait("99999999999999999999999") == hours{24 * 3650});
  for (const char* const text : {"", "-1", "1.5", "1 2", "soon", "0x10"}) CHECK_FALSE(wait(text));
}

TEST_CASE("Retry-After is read as a date that counts from the date of the answer", "[http]") {
  CHECK(wait("Sun, 06 Nov 1994 08:50:37 GMT") == minutes{1});
  CHECK(wait("Mon, 07 Nov 1994 08:49:37 GMT") == hours{24});
  CHECK(wait("Sun, 06 Nov 1994 08:49:36 GMT") == seconds{0});
  CHECK(wait("Fri, 01 Jan 9999 00:00:00 GMT") == hours{24 * 3650});
  CHECK_FALSE(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", ""));
  for (const char* const text :
       {"Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 November 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, +6 Nov 1994 08:49:37 GMT"})
    CHECK_FALSE(wait(text));
}

TEST_CASE("a URL in settings is checked as far as it does not depend on a job", "[http]") {
  for (const char* const text : {"http://a", "https://a:8443/x?y=${json:/y}", "${body}", "http://${queue}.example/"})
    CHECK(refusal("url", text).empty());
  CHECK(refusal("url", "ftp://a/") == "does not begin with http:// or https://");
  CHECK(refusal("url", "example.com/${body}") == "does not begin with http:// or https://");
  CHECK(refusal("url", "http://user:password@a/") == "has a user or a password: use a header");
  CHECK(refusal("url", "http://a b/") == "has a character that must be percent-encoded");
  CHECK(refusal("url", "http://a/${nothing}").find("is unknown") != std::string::npos);
}

TEST_CASE("headers in settings are checked", "[http]") {
  for (const char* const text : {"Accept: */*", "X-Job: ${id}", "Empty:", "accept:x"})
    CHECK(refusal("headers", text).empty());
  for (const char* const text : {"Host: a", "content-length: 1", "Transfer-Encoding: chunked", "Connection: close"})
    CHECK(refusal("headers", text).find("is set by the handler itself") != std::string::npos);
  for (const char* const text : {"no header", "Bad Name: x", ": x", "", "X\r\nY: z"})
    CHECK(refusal("headers", text) == "is no header like `Content-Type: application/json`");
  CHECK(refusal("headers", "X: a\r\nY: b") == "has a line break or another control character");
}

TEST_CASE("limits of the http handler have their ranges", "[http]") {
  for (const auto& [key, low, high, inside] : {std::tuple{"redirects", "-1", "21", "20"},
                                               {"response_max", "0", "2GiB", "1GiB"},
                                               {"connections_per_host", "0", "10001", "10k"},
                                               {"idle_time", "0", "25h", "24h"},
                                               {"connect_timeout", "0", "25h", "1ms"},
                                               {"request_timeout", "0", "25h", "1h"},
                                               {"later_after", "0", "25h", "1s"},
                                               {"later_max", "0", "25h", "1s"}}) {
    CAPTURE(key);
    CHECK_FALSE(refusal(key, low).empty());
    CHECK_FALSE(refusal(key, high).empty());
    CHECK(refusal(key, inside).empty());
  }
  CHECK_FALSE(refusal("method", "get").empty());
}
