#include "http/scrape.hpp"

#include <string_view>
#include <utility>

namespace millrace::http {

namespace {

constexpr std::string_view exposition_format = "text/plain; version=0.0.4; charset=utf-8";

loop::awaitable<response> scrape(telemetry::page& page) {
  const auto made = co_await page.scrape();
  if (!made) co_return text(503, made.error().text + "\n");
  response answer;
  answer.content_type = exposition_format;
  answer.body = *made;
  co_return answer;
}

}  // namespace

void add_scrape(http::routes& routes, telemetry::page& page) {
  routes.add(method::get, "/metrics", "metrics for Prometheus", [&page](const request&) { return scrape(page); });
}

}  // namespace millrace::http
