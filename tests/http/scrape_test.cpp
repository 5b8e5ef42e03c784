#include "http/scrape.hpp"

#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/http_fixture.hpp"
#include "support/page_fixture.hpp"

using namespace millrace;
using testing::get;
using testing::http_fixture;
using testing::http_reader;
using testing::page_fixture;

namespace {

/// An HTTP server with the metrics of a daemon without work.
struct scraped_server : http_fixture {
  scraped_server() {
    http::add_scrape(routes, metrics.page);
    at_the_end = [this] { return page_fixture::close(metrics); };
    open();
    thread.ask([this] { metrics.page.add_listener("http", server->counts()); });
  }
  ~scraped_server() { close(); }

  page_fixture metrics{thread.loop()};
};

}  // namespace

TEST_CASE("the metrics are served in the text format of Prometheus, and promtool accepts them") {
  scraped_server fixture;
  const auto answer = testing::ask(fixture, get("/metrics"));
  CHECK(answer.status() == 200);
  CHECK(answer.has("Content-Type: text/plain; version=0.0.4; charset=utf-8"));
  CHECK(answer.body.find("\nmillrace_connections{protocol=\"http\"} 1\n") != std::string::npos);
  const auto complaint = testing::promtool_says(answer.body);
  INFO(complaint);
  CHECK(complaint.empty());
}

TEST_CASE("HEAD of the metrics has their length and no body") {
  scraped_server fixture;
  auto client = fixture.connect();
  client.send("HEAD /metrics HTTP/1.1\r\nHost: it\r\nConnection: close\r\n\r\n");
  const auto all = client.receive_all();
  CHECK(all.find("\r\nContent-Length: ") != std::string::npos);
  CHECK_THAT(all, Catch::Matchers::EndsWith("\r\n\r\n"));
}

TEST_CASE("many clients scrape at once, and some disconnect while the page is made") {
  scraped_server fixture;
  std::vector<testing::raw_client> leaving;
  for (int i = 0; i < 100; ++i) {
    leaving.push_back(fixture.connect());
    leaving.back().send(get("/metrics"));
  }
  for (int i = 0; i < 100; i += 2) leaving[static_cast<std::size_t>(i)].reset();
  for (int i = 1; i < 100; i += 2) CHECK(http_reader{leaving[static_cast<std::size_t>(i)]}.next().status() == 200);
}

TEST_CASE("a closed page is 503, and other paths are still served") {
  scraped_server fixture;
  loop::task_scope tasks{fixture.thread.loop()};
  fixture.thread.ask([&] { tasks.spawn("close", fixture.metrics.page.close()); });
  const auto refused = testing::ask(fixture, get("/metrics"));
  CHECK(refused.status() == 503);
  CHECK(refused.body == "metrics are no longer served\n");
  CHECK(testing::ask(fixture, get("/")).status() == 200);
  fixture.close();
}
