#include "http/routes.hpp"

#include <stdexcept>
#include <string>

#include "http/health.hpp"
#include "support/catch.hpp"
#include "support/http_door.hpp"

using namespace millrace;
using testing::ask;
using testing::get;
using testing::http_door;

namespace {

loop::awaitable<http::response> show(http::request what) {
  co_return http::text(200, what.path + "|" + what.query + "|" + what.body);
}

loop::awaitable<http::response> fail(http::request) {
  throw std::runtime_error{"broken"};
  co_return http::response{};
}

void add_all(http_door& door) {
  door.routes.add(http::method::get, "/show", "what was asked", show);
  door.routes.add(http::method::post, "/show", "what was asked", show);
  door.routes.add(http::method::get, "/broken", "always fails", fail);
}

}  // namespace

TEST_CASE("an answer has its status, type and length, and is not cached") {
  http_door door;
  add_all(door);
  door.open();
  const auto answer = ask(door, get("/show?a=1&b=2"));
  CHECK(answer.head ==
        "HTTP/1.1 200 OK\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Cache-Control: no-store\r\n"
        "Content-Length: 14\r\n\r\n");
  CHECK(answer.body == "/show|a=1&b=2|");
}

TEST_CASE("a body reaches who answers") {
  http_door door;
  add_all(door);
  door.open();
  const auto answer = ask(door, "POST /show HTTP/1.1\r\nHost: it\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(answer.body == "/show||hello");
  const auto chunked = ask(door,
                           "POST /show HTTP/1.1\r\nHost: it\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n");
  CHECK(chunked.body == "/show||hello");
}

TEST_CASE("HEAD is answered as GET is, without the body") {
  http_door door;
  add_all(door);
  door.open();
  auto client = door.connect();
  client.send("HEAD /show HTTP/1.1\r\nHost: it\r\n\r\n" + get("/show"));
  testing::http_reader answers{client};
  const auto head = answers.next(false);
  CHECK(head.status() == 200);
  CHECK(head.has("Content-Length: 7"));
  CHECK(answers.next().body == "/show||");
}

TEST_CASE("an unknown path is 404") {
  http_door door;
  add_all(door);
  door.open();
  for (const char* const path : {"/nowhere", "/show/", "/show/more", "//", "*"})
    CHECK(ask(door, get(path)).status() == 404);
}

TEST_CASE("a method that the path has not is 405, and those that it has are named") {
  http_door door;
  add_all(door);
  door.open();
  const auto refused = ask(door, "DELETE /show HTTP/1.1\r\nHost: it\r\n\r\n");
  CHECK(refused.status() == 405);
  CHECK(refused.has("Allow: GET, HEAD, POST"));
  CHECK(ask(door, "BREW /show HTTP/1.1\r\nHost: it\r\n\r\n").status() == 405);
  CHECK(ask(door, "POST / HTTP/1.1\r\nHost: it\r\nContent-Length: 0\r\n\r\n").has("Allow: GET, HEAD"));
}

TEST_CASE("what an answerer throws is 500, and the connection goes on") {
  http_door door;
  add_all(door);
  door.open();
  auto client = door.connect();
  client.send(get("/broken") + get("/show"));
  testing::http_reader answers{client};
  CHECK(answers.next().status() == 500);
  CHECK(answers.next().status() == 200);
}

TEST_CASE("the first page lists all paths") {
  http_door door;
  add_all(door);
  door.open();
  CHECK(ask(door, get("/")).body ==
        "millrace\n\n"
        "/        this list\n"
        "/broken  always fails\n"
        "/show    what was asked\n");
}

TEST_CASE("health says ok, readiness follows the daemon's life") {
  http::control state;
  http_door door;
  http::add_health(door.routes, state);
  door.open();
  CHECK(ask(door, get("/healthz")).body == "ok\n");
  CHECK(ask(door, get("/readyz")).status() == 503);
  CHECK(ask(door, get("/readyz")).body == "starting\n");

  door.thread.ask([&state] { state.become_ready(); });
  CHECK(ask(door, get("/readyz")).status() == 200);
  CHECK(ask(door, get("/readyz")).body == "ready\n");

  door.thread.ask([&state] { state.become_refusing("SIGUSR1"); });
  CHECK(ask(door, get("/readyz")).status() == 503);
  CHECK(ask(door, get("/readyz")).body == "refusing puts: SIGUSR1\n");
  door.thread.ask([&state] { state.become_ready(); });
  CHECK(ask(door, get("/readyz")).status() == 503);

  door.thread.ask([&state] { state.become_draining("3 jobs are running"); });
  CHECK(ask(door, get("/readyz")).status() == 503);
  CHECK(ask(door, get("/readyz")).body == "draining: 3 jobs are running\n");
  CHECK(ask(door, get("/healthz")).status() == 200);
}
