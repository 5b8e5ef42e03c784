#include "http/scrape.hpp"

#include <string>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/gunzip.hpp"
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

namespace {

std::string scrape(std::string_view headers, std::string_view method = "GET") {
  return std::string{method} + " /metrics HTTP/1.1\r\nHost: it\r\n" + std::string{headers} + "\r\n";
}

constexpr std::string_view prometheus_accepts =
    "Accept: application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n";

}  // namespace

TEST_CASE("a client that names OpenMetrics gets it, and every answer names the headers that it depends on") {
  scraped_server fixture;
  const auto open = testing::ask(fixture, scrape(prometheus_accepts));
  CHECK(open.has("Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8"));
  CHECK(open.has("Vary: Accept, Accept-Encoding"));
  CHECK_THAT(open.body, Catch::Matchers::EndsWith("\n# EOF\n"));
  CHECK(open.body.find("\n# TYPE millrace_connections_opened counter\n") != std::string::npos);

  for (const auto* const headers :
       {"", "Accept: */*\r\n", "Accept: text/html,application/xml;q=0.9,*/*;q=0.8\r\n",
        "Accept: application/openmetrics-text;q=0.4, text/plain;q=0.5\r\n", "Accept: image/png\r\n",
        "Accept: application/openmetrics-text;q=nonsense\r\n", "Accept: \x80\xff;;,=\r\n"}) {
    CAPTURE(headers);
    const auto plain = testing::ask(fixture, scrape(headers));
    CHECK(plain.status() == 200);
    CHECK(plain.has("Content-Type: text/plain; version=0.0.4; charset=utf-8"));
    CHECK(plain.has("Vary: Accept, Accept-Encoding"));
    CHECK(plain.body.find("# EOF") == std::string::npos);
  }
}

TEST_CASE("headers that are repeated are one list") {
  scraped_server fixture;
  const auto answer = testing::ask(
      fixture, scrape("Accept: text/plain;q=0.1\r\nAccept-Encoding: br\r\nAccept: application/openmetrics-text\r\n"
                      "Accept-Encoding: gzip;q=0.3\r\n"));
  CHECK(answer.has("Content-Encoding: gzip"));
  CHECK(answer.has("Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8"));
}

TEST_CASE("a client that prefers gzip gets the same page compressed") {
  scraped_server fixture;
  for (const auto accept : {prometheus_accepts, std::string_view{}}) {
    const auto packed = testing::ask(fixture, scrape(std::string{accept} + "Accept-Encoding: gzip, deflate\r\n"));
    REQUIRE(packed.has("Content-Encoding: gzip"));
    const auto page = testing::gunzip(packed.body);
    CHECK(page.find("\nmillrace_connections{protocol=\"http\"} 1\n") != std::string::npos);
    CHECK(packed.body.size() < page.size() / 4);
  }
  for (const auto* const headers : {"Accept-Encoding: gzip;q=0\r\n", "Accept-Encoding: identity, gzip;q=0.5\r\n",
                                    "Accept-Encoding: gzip;q=17, *;q=\r\n", "Accept-Encoding:\r\n"}) {
    CAPTURE(headers);
    const auto plain = testing::ask(fixture, scrape(headers));
    CHECK(plain.head.find("Content-Encoding") == std::string::npos);
    CHECK(plain.body.starts_with("# HELP "));
  }
}

TEST_CASE("clients that want different forms of the page at the same time get their own") {
  scraped_server fixture;
  std::vector<testing::raw_client> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(fixture.connect());
    clients.back().send(
        scrape(std::string{i % 2 == 0 ? prometheus_accepts : ""} + (i % 4 < 2 ? "Accept-Encoding: gzip\r\n" : "")));
  }
  for (std::size_t i = 0; i < clients.size(); ++i) {
    const auto answer = http_reader{clients[i]}.next();
    CHECK(answer.status() == 200);
    CHECK(answer.has("Content-Encoding: gzip") == (i % 4 < 2));
    const auto page = i % 4 < 2 ? testing::gunzip(answer.body) : answer.body;
    CHECK(page.ends_with("# EOF\n") == (i % 2 == 0));
  }
}

TEST_CASE("HEAD of the compressed metrics has their headers and no body") {
  scraped_server fixture;
  auto client = fixture.connect();
  client.send(scrape("Accept-Encoding: gzip\r\nConnection: close\r\n", "HEAD"));
  const auto all = client.receive_all();
  CHECK(all.find("\r\nContent-Encoding: gzip\r\n") != std::string::npos);
  CHECK(all.find("\r\nContent-Length: ") != std::string::npos);
  CHECK_THAT(all, Catch::Matchers::EndsWith("\r\n\r\n"));
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
