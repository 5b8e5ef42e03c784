#include "http/routes.hpp"

#include <stdexcept>
#include <string>

#include "http/health.hpp"
#include "support/catch.hpp"
#include "support/http_fixture.hpp"

using namespace millrace;
using testing::ask;
using testing::get;
using testing::http_fixture;

namespace {

loop::awaitable<http::response> show(http::request request) {
  co_return http::text(200, request.path + "|" + request.query + "|" + request.body);
}

loop::awaitable<http::response> fail(http::request) {
  throw std::runtime_error{"broken"};
  co_return http::response{};
}

void add_all(http_fixture& fixture) {
  fixture.routes.add(http::method::get, "/show", "what was asked", show);
  fixture.routes.add(http::method::post, "/show", "what was asked", show);
  fixture.routes.add(http::method::get, "/broken", "always fails", fail);
}

}  // namespace

TEST_CASE("an answer has its status, type and length, and is not cached") {
  http_fixture fixture;
  add_all(fixture);
  fixture.open();
  const auto answer = ask(fixture, get("/show?a=1&b=2"));
  CHECK(answer.head ==
        "HTTP/1.1 200 OK\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Cache-Control: no-store\r\n"
        "Content-Length: 14\r\n\r\n");
  CHECK(answer.body == "/show|a=1&b=2|");
}

TEST_CASE("a handler gets the body of its request") {
  http_fixture fixture;
  add_all(fixture);
  fixture.open();
  const auto answer = ask(fixture, "POST /show HTTP/1.1\r\nHost: it\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(answer.body == "/show||hello");
  const auto chunked = ask(fixture,
                           "POST /show HTTP/1.1\r\nHost: it\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n");
  CHECK(chunked.body == "/show||hello");
}

TEST_CASE("HEAD is answered like GET, without the body") {
  http_fixture fixture;
  add_all(fixture);
  fixture.open();
  auto client = fixture.connect();
  client.send("HEAD /show HTTP/1.1\r\nHost: it\r\n\r\n" + get("/show"));
  testing::http_reader answers{client};
  const auto head = answers.next(false);
  CHECK(head.status() == 200);
  CHECK(head.has("Content-Length: 7"));
  CHECK(answers.next().body == "/show||");
}

TEST_CASE("a request for an unknown path is answered 404") {
  http_fixture fixture;
  add_all(fixture);
  fixture.open();
  for (const char* const path : {"/nowhere", "/show/", "/show/more", "//", "*"})
    CHECK(ask(fixture, get(path)).status() == 404);
}

TEST_CASE("a method that the path does not have is 405, with the methods that it has") {
  http_fixture fixture;
  add_all(fixture);
  fixture.open();
  const auto refused = ask(fixture, "DELETE /show HTTP/1.1\r\nHost: it\r\n\r\n");
  CHECK(refused.status() == 405);
  CHECK(refused.has("Allow: GET, HEAD, POST"));
  CHECK(ask(fixture, "BREW /show HTTP/1.1\r\nHost: it\r\n\r\n").status() == 405);
  CHECK(ask(fixture, "POST / HTTP/1.1\r\nHost: it\r\nContent-Length: 0\r\n\r\n").has("Allow: GET, HEAD"));
}

TEST_CASE("an exception of a handler is 500, and the connection stays open") {
  http_fixture fixture;
  add_all(fixture);
  fixture.open();
  auto client = fixture.connect();
  client.send(get("/broken") + get("/show"));
  testing::http_reader answers{client};
  CHECK(answers.next().status() == 500);
  CHECK(answers.next().status() == 200);
}

TEST_CASE("the first page lists all paths") {
  http_fixture fixture;
  add_all(fixture);
  fixture.open();
  CHECK(ask(fixture, get("/")).body ==
        "millrace\n\n"
        "/        this list\n"
        "/broken  always fails\n"
        "/show    what was asked\n");
}

TEST_CASE("/healthz is ok, and /readyz shows the state of the daemon") {
  http::readiness readiness;
  http_fixture fixture;
  http::add_health(fixture.routes, readiness);
  fixture.open();
  CHECK(ask(fixture, get("/healthz")).body == "ok\n");
  CHECK(ask(fixture, get("/readyz")).status() == 503);
  CHECK(ask(fixture, get("/readyz")).body == "starting\n");

  fixture.thread.ask([&readiness] { readiness.become_ready(); });
  CHECK(ask(fixture, get("/readyz")).status() == 200);
  CHECK(ask(fixture, get("/readyz")).body == "ready\n");

  fixture.thread.ask([&readiness] { readiness.become_refusing("SIGUSR1"); });
  CHECK(ask(fixture, get("/readyz")).status() == 503);
  CHECK(ask(fixture, get("/readyz")).body == "refusing puts: SIGUSR1\n");
  fixture.thread.ask([&readiness] { readiness.become_ready(); });
  CHECK(ask(fixture, get("/readyz")).status() == 503);

  fixture.thread.ask([&readiness] { readiness.become_draining("3 jobs are running"); });
  CHECK(ask(fixture, get("/readyz")).status() == 503);
  CHECK(ask(fixture, get("/readyz")).body == "draining: 3 jobs are running\n");
  CHECK(ask(fixture, get("/healthz")).status() == 200);
}

TEST_CASE("a segment in braces stands for any segment, which is decoded") {
  http_fixture fixture;
  fixture.routes.add(http::method::get, "/queues/{name}/{verb}", "parameters", [](const http::request& request) {
    return http::at_once(http::text(200, request.parameters.at("name") + "|" + request.parameters.at("verb")));
  });
  fixture.routes.add(http::method::get, "/queues/all/{verb}", "all", [](const http::request& request) {
    return http::at_once(http::text(200, "all:" + request.parameters.at("verb")));
  });
  fixture.open();
  CHECK(ask(fixture, get("/queues/mail/pause")).body == "mail|pause");
  CHECK(ask(fixture, get("/queues/a%2Fb%3f/x%20y?name=c")).body == "a/b?|x y");
  CHECK(ask(fixture, get("/queues/all/pause")).body == "all:pause");
  for (const char* const path :
       {"/queues/mail", "/queues/mail/", "/queues//pause", "/queues/mail/pause/now", "/queues/ma%4/x", "/queues/%zz/x"})
    CHECK(ask(fixture, get(path)).status() == 404);
  CHECK(ask(fixture, "POST /queues/mail/pause HTTP/1.1\r\nHost: it\r\nContent-Length: 0\r\n\r\n").status() == 405);
}

TEST_CASE("a percent sign needs two hexadecimal digits") {
  CHECK(http::percent_decoded("a%2fb%2Fc%00d") == std::string{"a/b/c\0d", 7});
  CHECK(http::percent_decoded("").value().empty());
  for (const char* const text : {"%", "%2", "a%2", "%2g", "%+1", "%%20", "%-1"})
    CHECK_FALSE(http::percent_decoded(text));
}

TEST_CASE("routes with a writer of refusals write each of them") {
  http::routes routes{[](unsigned status, std::string_view code, const std::string& message) {
    return http::text(status, std::string{code} + ": " + message);
  }};
  CHECK(*routes.refuse(413, "body_too_large", "Too long.").body == "body_too_large: Too long.");
}
