#include <string>
#include <utility>

#include "http/connection_set.hpp"
#include "http/health.hpp"
#include "support/catch.hpp"
#include "support/descriptor_limit.hpp"
#include "support/http_fixture.hpp"

using namespace millrace;
using testing::ask;
using testing::get;
using testing::http_fixture;
using testing::http_reader;

namespace {

loop::awaitable<http::response> echo(http::request request) { co_return http::text(200, request.body); }
loop::awaitable<http::response> large(http::request) { co_return http::text(200, std::string(64u << 20, 'x')); }

struct limited_server : http_fixture {
  explicit limited_server(http::connection_limits limits = {}, std::uint32_t connections_max = 2'000)
      : http_fixture{limits, connections_max} {
    routes.add(http::method::post, "/echo", "gives back the body", echo);
    routes.add(http::method::get, "/large", "64 MiB", large);
    open();
  }
};

std::string with_header_of(std::size_t bytes) {
  return "GET / HTTP/1.1\r\nHost: it\r\nX: " + std::string(bytes, 'x') + "\r\n\r\n";
}
std::string with_body_of(std::size_t bytes) {
  return "POST /echo HTTP/1.1\r\nHost: it\r\nContent-Length: " + std::to_string(bytes) + "\r\n\r\n" +
         std::string(bytes, 'x');
}

}  // namespace

TEST_CASE("a request that is not HTTP is refused with 400, and the connection is closed") {
  limited_server fixture;
  std::uint64_t refused = 0;
  for (const std::string request :
       {"hello\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02 tls?\r\n\r\n",
        "GET / HTTP/1.1\r\nHost it\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: it\r\nContent-Length: many\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"}) {
    auto client = fixture.connect();
    client.send(request);
    http_reader answers{client};
    INFO(request);
    CHECK(answers.next().status() == 400);
    CHECK(answers.next().head.empty());
    CHECK(fixture.errors("bad_request") == ++refused);
  }
}

TEST_CASE("headers beyond the limit are refused with 431") {
  limited_server fixture{{.header_bytes_max = 1'000}};
  CHECK(ask(fixture, with_header_of(900)).status() == 200);
  CHECK(ask(fixture, with_header_of(1'000)).status() == 431);
  CHECK(ask(fixture, with_header_of(5'000'000)).status() == 431);
  CHECK(ask(fixture, get("/" + std::string(100'000, 'x'))).status() == 431);
  CHECK(fixture.errors("header_too_large") == 3);
}

TEST_CASE("a body beyond the limit is refused with 413") {
  limited_server fixture{{.body_bytes_max = 1'000}};
  CHECK(ask(fixture, with_body_of(1'000)).body == std::string(1'000, 'x'));
  CHECK(ask(fixture, with_body_of(1'001)).status() == 413);
  CHECK(ask(fixture, with_body_of(5'000'000)).status() == 413);
  CHECK(fixture.errors("body_too_large") == 2);
  CHECK(ask(fixture, "POST /echo HTTP/1.1\r\nHost: it\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFF\r\n").status() ==
        413);
}

TEST_CASE("a request that is not complete at its deadline is disconnected") {
  limited_server fixture{{.request_deadline = milliseconds{50}}};
  for (const char* const beginning :
       {"G", "GET / HTTP/1.1\r\nHost: it\r\n", "POST /echo HTTP/1.1\r\nHost: it\r\nContent-Length: 5\r\n\r\nhel"}) {
    auto client = fixture.connect();
    client.send(beginning);
    CHECK(client.receive_all().empty());
  }
  CHECK(fixture.errors("too_slow") == 3);
}

TEST_CASE("a client that sends single bytes is disconnected at the same deadline") {
  limited_server fixture{{.request_deadline = milliseconds{50}}};
  auto client = fixture.connect();
  // Each question to the loop takes its time: the limit of bytes is far away when the deadline comes.
  while (fixture.errors("too_slow") == 0) client.send("G");
  CHECK(client.receive_all().empty());
  CHECK(fixture.errors("header_too_large") == 0);
}

TEST_CASE("an idle connection is closed at its deadline") {
  limited_server fixture{{.idle_deadline = milliseconds{50}}};
  auto silent = fixture.connect();
  CHECK(silent.receive_all().empty());
  auto once = fixture.connect();
  once.send(get("/"));
  http_reader answers{once};
  CHECK(answers.next().status() == 200);
  CHECK(answers.next().head.empty());
  CHECK(fixture.errors("too_slow") == 0);
}

TEST_CASE("a client that does not read its answer is disconnected") {
  limited_server fixture{{.response_deadline = milliseconds{50}}};
  auto client = fixture.connect();
  client.send(get("/large"));
  while (fixture.errors("too_slow") == 0) {
  }
  CHECK(client.receive_all().size() < (64u << 20));
}

TEST_CASE("a large answer is sent completely to a client that reads it") {
  limited_server fixture;
  CHECK(ask(fixture, get("/large")).body.size() == 64u << 20);
}

TEST_CASE("a client beyond the limit of connections waits") {
  limited_server fixture{{}, 1};
  auto first = fixture.connect();
  first.send(get("/"));
  REQUIRE(http_reader{first}.next().status() == 200);
  auto second = fixture.connect();
  second.send(get("/"));
  CHECK(fixture.thread.ask([&fixture] { return fixture.server->counts().opened.value(); }) == 1);
  first.close();
  CHECK(http_reader{second}.next().status() == 200);
}

TEST_CASE("without a free descriptor one request is answered, and the connection is closed") {
  http_fixture fixture;
  http::readiness readiness;
  http::add_health(fixture.routes, readiness);
  fixture.open();
  testing::raw_client clients[] = {testing::raw_client{AF_INET}, testing::raw_client{AF_INET}};
  const testing::no_descriptors_left shortage;
  for (auto& client : clients) {
    client.connect_port(fixture.server->local_address().port);
    client.send(get("/healthz") + get("/healthz"));
    http_reader answers{client};
    const auto answer = answers.next();
    CHECK(answer.status() == 200);
    CHECK(answer.has("Connection: close"));
    CHECK(answers.next().head.empty());
  }
}

TEST_CASE("without a free descriptor a silent client delays the next one only briefly") {
  http_fixture fixture;
  http::readiness readiness;
  http::add_health(fixture.routes, readiness);
  fixture.open();
  testing::raw_client silent{AF_INET}, asking{AF_INET};
  const testing::no_descriptors_left shortage;
  silent.connect_port(fixture.server->local_address().port);
  asking.connect_port(fixture.server->local_address().port);
  asking.send(get("/healthz"));
  CHECK(http_reader{asking}.next().status() == 200);
  CHECK(silent.receive().empty());
}
