#include "http/session.hpp"

#include <algorithm>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <millrace/loop/wait_point.hpp>

#include "support/catch.hpp"
#include "support/http_door.hpp"

using namespace millrace;
using testing::get;
using testing::http_door;
using testing::http_reader;
using testing::raw_client;

namespace {

loop::awaitable<http::response> hello(http::request) { co_return http::text(200, "hello\n"); }

/// Answers once the test says so.
struct gate {
  loop::wait_point opened;
  int waiting{0};

  static loop::awaitable<http::response> pass(gate& it) {
    ++it.waiting;
    co_await it.opened.wait();
    co_return http::text(200, "through\n");
  }
};

struct hello_door : http_door {
  using http_door::http_door;
  void open() {
    routes.add(http::method::get, "/hello", "a word", hello);
    http_door::open();
  }
};

}  // namespace

TEST_CASE("a connection is kept, and requests that come at once are answered in order") {
  hello_door door;
  door.open();
  auto client = door.connect();
  client.send(get("/hello") + get("/nowhere") + get("/hello"));
  http_reader answers{client};
  CHECK(answers.next().status() == 200);
  CHECK(answers.next().status() == 404);
  CHECK(answers.next().status() == 200);
  client.send(get("/hello"));
  CHECK(answers.next().body == "hello\n");
}

TEST_CASE("a thousand requests at once are all answered") {
  hello_door door;
  door.open();
  auto client = door.connect();
  std::string many;
  for (int i = 0; i < 1'000; ++i) many += get("/hello");
  client.send(many);
  http_reader answers{client};
  for (int i = 0; i < 1'000; ++i) REQUIRE(answers.next().status() == 200);
}

TEST_CASE("a request may come byte by byte") {
  hello_door door;
  door.open();
  auto client = door.connect();
  for (const char byte : get("/hello")) client.send({&byte, 1});
  CHECK(http_reader{client}.next().status() == 200);
}

TEST_CASE("a client that wants to close is answered and closed") {
  hello_door door;
  door.open();
  for (const char* const request :
       {"GET /hello HTTP/1.1\r\nHost: it\r\nConnection: close\r\n\r\n", "GET /hello HTTP/1.0\r\n\r\n"}) {
    auto client = door.connect();
    client.send(request);
    const auto all = client.receive_all();
    CHECK_THAT(all, Catch::Matchers::EndsWith("hello\n"));
  }
}

TEST_CASE("HTTP/1.0 with keep-alive is kept") {
  hello_door door;
  door.open();
  auto client = door.connect();
  client.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  http_reader answers{client};
  CHECK(answers.next().has("Connection: keep-alive"));
  client.send("GET /hello HTTP/1.0\r\n\r\n");
  CHECK(answers.next().status() == 200);
}

TEST_CASE("a client that has closed its side still gets the answer") {
  hello_door door;
  door.open();
  auto client = door.connect();
  client.send(get("/hello"));
  client.half_close();
  CHECK_THAT(client.receive_all(), Catch::Matchers::EndsWith("hello\n"));
}

TEST_CASE("a client that closes without a request is no error") {
  hello_door door;
  door.open();
  auto client = door.connect();
  client.half_close();
  CHECK(client.receive_all().empty());
  CHECK(door.errors("bad_request") == 0);
}

TEST_CASE("clients that go away while their answer is made harm nobody") {
  hello_door door;
  gate it{{door.thread.loop(), "gate"}};
  door.routes.add(http::method::get, "/gate", "waits", [&it](const http::request&) { return gate::pass(it); });
  door.open();
  const auto wait_for = [&](int count) {
    while (door.thread.ask([&it] { return it.waiting; }) < count) {
    }
  };
  auto leaving = door.connect();
  leaving.send(get("/gate"));
  auto resetting = door.connect();
  resetting.send(get("/gate"));
  auto staying = door.connect();
  staying.send(get("/gate"));
  wait_for(3);
  leaving.close();
  resetting.reset();
  door.thread.ask([&it] { it.opened.wake_all(); });
  CHECK(http_reader{staying}.next().body == "through\n");
  CHECK(testing::ask(door, get("/hello")).status() == 200);
}

TEST_CASE("a connection ends after its last allowed request") {
  hello_door door{{.requests_max = 2}};
  door.open();
  auto client = door.connect();
  client.send(get("/hello") + get("/hello") + get("/hello"));
  http_reader answers{client};
  CHECK_FALSE(answers.next().has("Connection: close"));
  CHECK(answers.next().has("Connection: close"));
  CHECK(answers.next().head.empty());
}

TEST_CASE("a thousand connections at once are served") {
  // Both ends of each are in this process.
  rlimit files{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &files) == 0);
  files.rlim_cur = std::max<rlim_t>(files.rlim_cur, std::min<rlim_t>(files.rlim_max, 4'096));
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &files) == 0);
  hello_door door;
  door.open();
  std::vector<raw_client> clients;
  for (int i = 0; i < 1'000; ++i) clients.push_back(door.connect());
  for (auto& client : clients) REQUIRE(client.send(get("/hello")));
  for (auto& client : clients) REQUIRE(http_reader{client}.next().body == "hello\n");
  CHECK(door.thread.ask([&door] { return door.server->counts().connections; }) == 1'000);
}

TEST_CASE("closing ends idle connections at once and lets a request in hand be answered") {
  hello_door door;
  gate it{{door.thread.loop(), "gate"}};
  door.routes.add(http::method::get, "/gate", "waits", [&it](const http::request&) { return gate::pass(it); });
  door.open();
  auto idle = door.connect();
  idle.send(get("/hello"));
  http_reader idle_answers{idle};
  REQUIRE(idle_answers.next().status() == 200);
  auto busy = door.connect();
  busy.send(get("/gate"));
  while (door.thread.ask([&it] { return it.waiting; }) == 0) {
  }

  std::thread closing{[&door] { door.close(hours{1}); }};
  CHECK(idle.receive().empty());
  door.thread.ask([&it] { it.opened.wake_all(); });
  const auto answer = http_reader{busy}.next();
  CHECK(answer.body == "through\n");
  CHECK(answer.has("Connection: close"));
  busy.close();
  closing.join();
}
