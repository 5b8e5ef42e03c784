#include "http/scrape.hpp"

#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/http_door.hpp"
#include "support/looked_at.hpp"

using namespace millrace;
using testing::get;
using testing::http_door;
using testing::http_reader;
using testing::looked_at;

namespace {

/// A daemon without work behind an HTTP door.
struct scraped_door : http_door {
  scraped_door() {
    http::add_scrape(routes, it.page);
    at_the_end = [this] { return looked_at::close(it); };
    open();
    thread.ask([this] { it.page.add_door("http", server->counts()); });
  }
  ~scraped_door() { close(); }

  looked_at it{thread.loop()};
};

}  // namespace

TEST_CASE("the metrics are served in Prometheus' text format, and promtool is silent") {
  scraped_door door;
  const auto answer = testing::ask(door, get("/metrics"));
  CHECK(answer.status() == 200);
  CHECK(answer.has("Content-Type: text/plain; version=0.0.4; charset=utf-8"));
  CHECK(answer.body.find("\nmillrace_connections{protocol=\"http\"} 1\n") != std::string::npos);
  CHECK(testing::promtool_says(answer.body) == "");
}

TEST_CASE("HEAD of the metrics has their length and no more") {
  scraped_door door;
  auto client = door.connect();
  client.send("HEAD /metrics HTTP/1.1\r\nHost: it\r\nConnection: close\r\n\r\n");
  const auto all = client.receive_all();
  CHECK(all.find("\r\nContent-Length: ") != std::string::npos);
  CHECK_THAT(all, Catch::Matchers::EndsWith("\r\n\r\n"));
}

TEST_CASE("many scrape at once, and some go away while the page is made") {
  scraped_door door;
  std::vector<testing::raw_client> leaving;
  for (int i = 0; i < 100; ++i) {
    leaving.push_back(door.connect());
    leaving.back().send(get("/metrics"));
  }
  for (int i = 0; i < 100; i += 2) leaving[static_cast<std::size_t>(i)].reset();
  for (int i = 1; i < 100; i += 2) CHECK(http_reader{leaving[static_cast<std::size_t>(i)]}.next().status() == 200);
}

TEST_CASE("a page that is closed is 503, and all else is served on") {
  scraped_door door;
  loop::task_scope tasks{door.thread.loop()};
  door.thread.ask([&] { tasks.spawn("close", door.it.page.close()); });
  const auto refused = testing::ask(door, get("/metrics"));
  CHECK(refused.status() == 503);
  CHECK(refused.body == "metrics are not served any more\n");
  CHECK(testing::ask(door, get("/")).status() == 200);
  door.close();
}
