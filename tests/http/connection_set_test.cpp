#include "http/connection_set.hpp"

#include <algorithm>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <millrace/loop/wait_point.hpp>

#include "support/catch.hpp"
#include "support/http_fixture.hpp"

using namespace millrace;
using testing::get;
using testing::http_fixture;
using testing::http_reader;
using testing::raw_client;

namespace {

loop::awaitable<http::response> hello(http::request) { co_return http::text(200, "hello\n"); }

/// A route that waits until the test opens it.
struct gate {
  loop::wait_point opened;
  int waiting{0};

  static loop::awaitable<http::response> pass(gate& entered) {
    ++entered.waiting;
    co_await entered.opened.wait();
    co_return http::text(200, "through\n");
  }
};

struct hello_server : http_fixture {
  using http_fixture::http_fixture;
  void open() {
    routes.add(http::method::get, "/hello", "a word", hello);
    http_fixture::open();
  }
};

}  // namespace

TEST_CASE("a connection is kept, and pipelined requests are answered in order") {
  hello_server fixture;
  fixture.open();
  auto client = fixture.connect();
  client.send(get("/hello") + get("/nowhere") + get("/hello"));
  http_reader answers{client};
  CHECK(answers.next().status() == 200);
  CHECK(answers.next().status() == 404);
  CHECK(answers.next().status() == 200);
  client.send(get("/hello"));
  CHECK(answers.next().body == "hello\n");
}

TEST_CASE("a thousand pipelined requests are all answered") {
  hello_server fixture;
  fixture.open();
  auto client = fixture.connect();
  std::string many;
  for (int i = 0; i < 1'000; ++i) many += get("/hello");
  client.send(many);
  http_reader answers{client};
  for (int i = 0; i < 1'000; ++i) REQUIRE(answers.next().status() == 200);
}

TEST_CASE("a request may arrive byte by byte") {
  hello_server fixture;
  fixture.open();
  auto client = fixture.connect();
  for (const char byte : get("/hello")) client.send({&byte, 1});
  CHECK(http_reader{client}.next().status() == 200);
}

TEST_CASE("a request with Connection: close is answered, and the connection is closed") {
  hello_server fixture;
  fixture.open();
  for (const char* const request :
       {"GET /hello HTTP/1.1\r\nHost: it\r\nConnection: close\r\n\r\n", "GET /hello HTTP/1.0\r\n\r\n"}) {
    auto client = fixture.connect();
    client.send(request);
    const auto all = client.receive_all();
    CHECK_THAT(all, Catch::Matchers::EndsWith("hello\n"));
  }
}

TEST_CASE("HTTP/1.0 with keep-alive is kept") {
  hello_server fixture;
  fixture.open();
  auto client = fixture.connect();
  client.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  http_reader answers{client};
  CHECK(answers.next().has("Connection: keep-alive"));
  client.send("GET /hello HTTP/1.0\r\n\r\n");
  CHECK(answers.next().status() == 200);
}

TEST_CASE("a client that has shut down its sending side gets the answer") {
  hello_server fixture;
  fixture.open();
  auto client = fixture.connect();
  client.send(get("/hello"));
  client.half_close();
  CHECK_THAT(client.receive_all(), Catch::Matchers::EndsWith("hello\n"));
}

TEST_CASE("a client that disconnects without a request is not an error") {
  hello_server fixture;
  fixture.open();
  auto client = fixture.connect();
  client.half_close();
  CHECK(client.receive_all().empty());
  CHECK(fixture.errors("bad_request") == 0);
}

TEST_CASE("clients that disconnect while their answer is made do not affect others") {
  hello_server fixture;
  gate waiting{{fixture.thread.loop(), "gate"}};
  fixture.routes.add(http::method::get, "/gate", "waits",
                     [&waiting](const http::request&) { return gate::pass(waiting); });
  fixture.open();
  const auto wait_for = [&](int count) {
    while (fixture.thread.ask([&waiting] { return waiting.waiting; }) < count) {
    }
  };
  auto leaving = fixture.connect();
  leaving.send(get("/gate"));
  auto resetting = fixture.connect();
  resetting.send(get("/gate"));
  auto staying = fixture.connect();
  staying.send(get("/gate"));
  wait_for(3);
  leaving.close();
  resetting.reset();
  fixture.thread.ask([&waiting] { waiting.opened.wake_all(); });
  CHECK(http_reader{staying}.next().body == "through\n");
  CHECK(testing::ask(fixture, get("/hello")).status() == 200);
}

TEST_CASE("a connection is closed after its last allowed request") {
  hello_server fixture{{.requests_max = 2}};
  fixture.open();
  auto client = fixture.connect();
  client.send(get("/hello") + get("/hello") + get("/hello"));
  http_reader answers{client};
  CHECK_FALSE(answers.next().has("Connection: close"));
  CHECK(answers.next().has("Connection: close"));
  CHECK(answers.next().head.empty());
}

TEST_CASE("a thousand connections are served at the same time") {
  // Both ends of each are in this process.
  rlimit files{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &files) == 0);
  files.rlim_cur = std::max<rlim_t>(files.rlim_cur, std::min<rlim_t>(files.rlim_max, 4'096));
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &files) == 0);
  hello_server fixture;
  fixture.open();
  std::vector<raw_client> clients;
  clients.reserve(1'000);
  for (int i = 0; i < 1'000; ++i) clients.push_back(fixture.connect());
  for (auto& client : clients) REQUIRE(client.send(get("/hello")));
  for (auto& client : clients) REQUIRE(http_reader{client}.next().body == "hello\n");
  CHECK(fixture.thread.ask([&fixture] { return fixture.server->counts().connections; }) == 1'000);
}

TEST_CASE("closing ends idle connections at once, and a current request is answered") {
  hello_server fixture;
  gate waiting{{fixture.thread.loop(), "gate"}};
  fixture.routes.add(http::method::get, "/gate", "waits",
                     [&waiting](const http::request&) { return gate::pass(waiting); });
  fixture.open();
  auto idle = fixture.connect();
  idle.send(get("/hello"));
  http_reader idle_answers{idle};
  REQUIRE(idle_answers.next().status() == 200);
  auto busy = fixture.connect();
  busy.send(get("/gate"));
  while (fixture.thread.ask([&waiting] { return waiting.waiting; }) == 0) {
  }

  std::thread closing{[&fixture] { fixture.close(hours{1}); }};
  CHECK(idle.receive().empty());
  fixture.thread.ask([&waiting] { waiting.opened.wake_all(); });
  const auto answer = http_reader{busy}.next();
  CHECK(answer.body == "through\n");
  CHECK(answer.has("Connection: close"));
  busy.close();
  closing.join();
}
