#include <string>
#include <utility>

#include "http/health.hpp"
#include "http/session.hpp"
#include "support/catch.hpp"
#include "support/descriptor_limit.hpp"
#include "support/http_door.hpp"

using namespace millrace;
using testing::ask;
using testing::get;
using testing::http_door;
using testing::http_reader;

namespace {

loop::awaitable<http::response> echo(http::request what) { co_return http::text(200, std::move(what.body)); }
loop::awaitable<http::response> large(http::request) { co_return http::text(200, std::string(64u << 20, 'x')); }

struct limited_door : http_door {
  explicit limited_door(http::session_limits limits = {}, std::uint32_t connections_max = 2'000)
      : http_door{limits, connections_max} {
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

TEST_CASE("what is no HTTP is refused with 400 and closed") {
  limited_door door;
  std::uint64_t refused = 0;
  for (const std::string request :
       {"hello\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02 tls?\r\n\r\n",
        "GET / HTTP/1.1\r\nHost it\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: it\r\nContent-Length: many\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"}) {
    auto client = door.connect();
    client.send(request);
    http_reader answers{client};
    INFO(request);
    CHECK(answers.next().status() == 400);
    CHECK(answers.next().head.empty());
    CHECK(door.errors("bad_request") == ++refused);
  }
}

TEST_CASE("headers are read up to the limit") {
  limited_door door{{.header_bytes_max = 1'000}};
  CHECK(ask(door, with_header_of(900)).status() == 200);
  CHECK(ask(door, with_header_of(1'000)).status() == 431);
  CHECK(ask(door, with_header_of(5'000'000)).status() == 431);
  CHECK(ask(door, get("/" + std::string(100'000, 'x'))).status() == 431);
  CHECK(door.errors("header_too_large") == 3);
}

TEST_CASE("a body is read up to the limit") {
  limited_door door{{.body_bytes_max = 1'000}};
  CHECK(ask(door, with_body_of(1'000)).body == std::string(1'000, 'x'));
  CHECK(ask(door, with_body_of(1'001)).status() == 413);
  CHECK(ask(door, with_body_of(5'000'000)).status() == 413);
  CHECK(door.errors("body_too_large") == 2);
  CHECK(ask(door, "POST /echo HTTP/1.1\r\nHost: it\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFF\r\n").status() == 413);
}

TEST_CASE("a request that does not come to its end in time is cut off") {
  limited_door door{{.request_deadline = milliseconds{50}}};
  for (const char* const beginning :
       {"G", "GET / HTTP/1.1\r\nHost: it\r\n", "POST /echo HTTP/1.1\r\nHost: it\r\nContent-Length: 5\r\n\r\nhel"}) {
    auto client = door.connect();
    client.send(beginning);
    CHECK(client.receive_all().empty());
  }
  CHECK(door.errors("too_slow") == 3);
}

TEST_CASE("a client that sends a byte now and then is cut off at the same deadline") {
  limited_door door{{.request_deadline = milliseconds{50}}};
  auto client = door.connect();
  // Each question to the loop takes its time: the limit of bytes is far away when the deadline comes.
  while (door.errors("too_slow") == 0) client.send("G");
  CHECK(client.receive_all().empty());
  CHECK(door.errors("header_too_large") == 0);
}

TEST_CASE("an idle connection is closed") {
  limited_door door{{.idle_deadline = milliseconds{50}}};
  auto silent = door.connect();
  CHECK(silent.receive_all().empty());
  auto once = door.connect();
  once.send(get("/"));
  http_reader answers{once};
  CHECK(answers.next().status() == 200);
  CHECK(answers.next().head.empty());
  CHECK(door.errors("too_slow") == 0);
}

TEST_CASE("a client that does not take its answer is cut off") {
  limited_door door{{.response_deadline = milliseconds{50}}};
  auto client = door.connect();
  client.send(get("/large"));
  while (door.errors("too_slow") == 0) {
  }
  CHECK(client.receive_all().size() < (64u << 20));
}

TEST_CASE("a large answer arrives whole at a client that takes it") {
  limited_door door;
  CHECK(ask(door, get("/large")).body.size() == 64u << 20);
}

TEST_CASE("at the limit of connections a client waits for its turn") {
  limited_door door{{}, 1};
  auto first = door.connect();
  first.send(get("/"));
  REQUIRE(http_reader{first}.next().status() == 200);
  auto second = door.connect();
  second.send(get("/"));
  CHECK(door.thread.ask([&door] { return door.server->counts().opened.value(); }) == 1);
  first.close();
  CHECK(http_reader{second}.next().status() == 200);
}

TEST_CASE("without a free descriptor a request is answered and the connection closed") {
  http_door door;
  http::control state;
  http::add_health(door.routes, state);
  door.open();
  testing::raw_client clients[] = {testing::raw_client{AF_INET}, testing::raw_client{AF_INET}};
  const testing::no_descriptors_left shortage;
  for (auto& client : clients) {
    client.connect_port(door.server->local_address().port);
    client.send(get("/healthz") + get("/healthz"));
    http_reader answers{client};
    const auto answer = answers.next();
    CHECK(answer.status() == 200);
    CHECK(answer.has("Connection: close"));
    CHECK(answers.next().head.empty());
  }
}

TEST_CASE("without a free descriptor a silent client holds up the next one for a moment only") {
  http_door door;
  http::control state;
  http::add_health(door.routes, state);
  door.open();
  testing::raw_client silent{AF_INET}, asking{AF_INET};
  const testing::no_descriptors_left shortage;
  silent.connect_port(door.server->local_address().port);
  asking.connect_port(door.server->local_address().port);
  asking.send(get("/healthz"));
  CHECK(http_reader{asking}.next().status() == 200);
  CHECK(silent.receive().empty());
}
