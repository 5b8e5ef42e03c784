// Requests from which two programs could read two different message lengths: a proxy in front would read one request,
// this server two, or the other way round. Each is sent as raw bytes, followed by a second request: exactly one answer
// may come, and the connection must close.
#include <string>
#include <string_view>
#include <utility>

#include "support/catch.hpp"
#include "support/http_fixture.hpp"

using namespace millrace;
using testing::http_fixture;
using testing::http_reader;

namespace {

using namespace std::string_literals;

loop::awaitable<http::response> echo(http::request request) { co_return http::text(200, request.body); }

struct echo_server : http_fixture {
  echo_server() {
    routes.add(http::method::post, "/echo", "gives back the body", echo);
    open();
  }
};

struct request {
  const char* is;
  std::string bytes;
  int status;
};

/// A request with these header lines, and a body that is a request itself.
std::string request_with(const std::string& headers, const std::string& version = "HTTP/1.1") {
  return "POST /echo " + version + "\r\n" + headers + "\r\nGET /smuggled HTTP/1.1\r\nHost: it\r\n\r\n";
}

const request ambiguous[] = {
    // Transfer-Encoding
    {"an unknown coding", request_with("Host: it\r\nTransfer-Encoding: identity\r\n"), 501},
    {"a coding that looks like chunked", request_with("Host: it\r\nTransfer-Encoding: xchunked\r\n"), 501},
    {"chunked in quotes", request_with("Host: it\r\nTransfer-Encoding: \"chunked\"\r\n"), 501},
    {"an empty coding", request_with("Host: it\r\nTransfer-Encoding:\r\n"), 501},
    {"a coding before chunked", request_with("Host: it\r\nTransfer-Encoding: gzip, chunked\r\n"), 501},
    {"a coding behind chunked", request_with("Host: it\r\nTransfer-Encoding: chunked, identity\r\n"), 400},
    {"chunked and an empty element", request_with("Host: it\r\nTransfer-Encoding: chunked,\r\n"), 501},
    {"chunked with a parameter", request_with("Host: it\r\nTransfer-Encoding: chunked;a=b\r\n"), 501},
    {"two fields, the last chunked",
     request_with("Host: it\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"), 501},
    {"two fields, both chunked",
     request_with("Host: it\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
    {"chunked behind a control character",
     request_with("Host: it\r\nTransfer-Encoding: \x0b"
                  "chunked\r\n"),
     400},
    {"chunked on a folded line", request_with("Host: it\r\nTransfer-Encoding:\r\n chunked\r\n"), 501},
    {"chunked in HTTP/1.0", request_with("Host: it\r\nTransfer-Encoding: chunked\r\n", "HTTP/1.0"), 400},
    {"a blank before the colon", request_with("Host: it\r\nTransfer-Encoding : chunked\r\n"), 400},
    // both lengths
    {"a length, then chunked", request_with("Host: it\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400},
    {"chunked, then a length", request_with("Host: it\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400},
    {"a length, then an unknown coding", request_with("Host: it\r\nContent-Length: 5\r\nTransfer-Encoding: x\r\n"),
     501},
    {"an unknown coding, then a length", request_with("Host: it\r\nTransfer-Encoding: x\r\nContent-Length: 5\r\n"),
     501},
    // Content-Length
    {"two lengths", request_with("Host: it\r\nContent-Length: 5\r\nContent-Length: 6\r\n"), 400},
    {"the same length twice", request_with("Host: it\r\nContent-Length: 5\r\ncontent-length: 5\r\n"), 400},
    {"a list of lengths", request_with("Host: it\r\nContent-Length: 5, 5\r\n"), 400},
    {"an empty length", request_with("Host: it\r\nContent-Length:\r\n"), 400},
    {"a length with a sign", request_with("Host: it\r\nContent-Length: +5\r\n"), 400},
    {"a negative length", request_with("Host: it\r\nContent-Length: -1\r\n"), 400},
    {"a hexadecimal length", request_with("Host: it\r\nContent-Length: 0x5\r\n"), 400},
    {"a length with a blank in it", request_with("Host: it\r\nContent-Length: 1 0\r\n"), 400},
    {"a length that wraps around 64 bits", request_with("Host: it\r\nContent-Length: 18446744073709551616\r\n"), 400},
    {"a folded length", request_with("Host: it\r\nContent-Length: 1\r\n 0\r\n"), 400},
    // Host
    {"two hosts", request_with("Host: it\r\nHost: other\r\nContent-Length: 0\r\n"), 400},
    {"the same host twice", request_with("Host: it\r\nhost: it\r\nContent-Length: 0\r\n"), 400},
    {"no host", request_with("Content-Length: 0\r\n"), 400},
    {"a list of hosts", request_with("Host: it, other\r\nContent-Length: 0\r\n"), 400},
    {"a host with a path", request_with("Host: it/other\r\nContent-Length: 0\r\n"), 400},
    {"two hosts in HTTP/1.0", request_with("Host: it\r\nHost: other\r\nContent-Length: 0\r\n", "HTTP/1.0"), 400},
    // lines
    {"a folded header", request_with("Host: it\r\nX: a\r\n b\r\nContent-Length: 0\r\n"), 400},
    {"a blank before the first header", request_with(" Host: it\r\nContent-Length: 0\r\n"), 400},
    {"a bare LF behind the request line", "POST /echo HTTP/1.1\nHost: it\r\n\r\n", 400},
    {"a bare LF behind a header", request_with("Host: it\nContent-Length: 0\r\n"), 400},
    {"a bare LF in a value", request_with("Host: it\r\nX: a\nContent-Length: 5\r\n"), 400},
    {"a bare CR in a value", request_with("Host: it\r\nX: a\rContent-Length: 5\r\n"), 400},
    {"a bare CR behind a value", request_with("Host: it\r\nX: a\r\r\nContent-Length: 0\r\n"), 400},
    {"an empty line of LF", "POST /echo HTTP/1.1\r\nHost: it\r\n\nGET / HTTP/1.1\r\nHost: it\r\n\r\n", 400},
    {"an empty line before the request", "\r\n" + request_with("Host: it\r\nContent-Length: 0\r\n"), 400},
    {"a zero byte in a value", request_with("Host: it\r\nX: a\0b\r\nContent-Length: 0\r\n"s), 400},
    {"a header without a colon", request_with("Host: it\r\nContent-Length 5\r\n"), 400},
    {"a header without a name", request_with("Host: it\r\n: 5\r\n"), 400},
    {"a zero byte in a name", request_with("Host: it\r\nContent-Length\0: 5\r\n"s), 400},
    {"a tab in the request line", "POST\t/echo HTTP/1.1\r\nHost: it\r\n\r\n", 400},
    {"no version", "POST /echo\r\nHost: it\r\n\r\n", 400},
    {"words behind the version", "POST /echo HTTP/1.1 x\r\nHost: it\r\n\r\n", 400},
    // chunks
    {"a bare LF in a chunk extension",
     request_with("Host: it\r\nTransfer-Encoding: chunked\r\n\r\n1;a=\"\n\"\r\nx\r\n0\r\n"), 400},
    {"a chunk size that wraps around",
     "POST /echo HTTP/1.1\r\nHost: it\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000001\r\nx\r\n0\r\n\r\n", 400},
    {"a chunk size with a prefix",
     "POST /echo HTTP/1.1\r\nHost: it\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n", 400},
    {"a bare LF behind a chunk size",
     "POST /echo HTTP/1.1\r\nHost: it\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n", 400},
    {"a chunk that is longer than its size",
     "POST /echo HTTP/1.1\r\nHost: it\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n", 400},
    {"a length in a trailer",
     "POST /echo HTTP/1.1\r\nHost: it\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n", 400},
};

}  // namespace

TEST_CASE("a request with an ambiguous end gets one answer, and no later byte is read as a request") {
  echo_server fixture;
  for (const auto& [is, bytes, status] : ambiguous) {
    INFO(is);
    auto client = fixture.connect();
    client.send(bytes + "GET / HTTP/1.1\r\nHost: it\r\n\r\n");
    http_reader answers{client};
    const auto first = answers.next();
    CHECK(first.status() == status);
    CHECK(first.has("Connection: close"));
    CHECK(answers.next().head.empty());
  }
}

TEST_CASE("a request with an unambiguous end is accepted, and the next request is read") {
  echo_server fixture;
  const std::pair<std::string, std::string> plain[] = {
      {"Host: it\r\nContent-Length: 5\r\n\r\nhello", "hello"},
      {"hOST:it\r\ncontent-length:\t5 \r\n\r\nhello", "hello"},
      {"Host: [::1]:80\r\nContent-Length: 0\r\n\r\n", ""},
      {"Host:\r\nContent-Length: 0\r\n\r\n", ""},
      {"Host: it\r\n\r\n", ""},
      {"Host: it\r\nTransfer-Encoding: Chunked\r\n\r\n2;a=\"b\";c\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n", "hello"},
  };
  for (const auto& [request, body] : plain) {
    INFO(request);
    auto client = fixture.connect();
    client.send("POST /echo HTTP/1.1\r\n" + request + "GET / HTTP/1.1\r\nHost: it\r\n\r\n");
    http_reader answers{client};
    const auto first = answers.next();
    CHECK(first.status() == 200);
    CHECK(first.body == body);
    CHECK(answers.next().status() == 200);
  }
}
