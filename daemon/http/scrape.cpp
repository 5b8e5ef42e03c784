#include "http/scrape.hpp"

#include <string_view>
#include <utility>

#include "http/negotiation.hpp"

namespace millrace::http {

namespace {

constexpr std::string_view prometheus_type = "text/plain";
constexpr std::string_view prometheus_version = "0.0.4";
constexpr std::string_view prometheus_content = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view open_metrics_type = "application/openmetrics-text";
constexpr std::string_view open_metrics_version = "1.0.0";
constexpr std::string_view open_metrics_content = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// OpenMetrics only for a client that names it and does not prefer the other format: browsers and `*/*` get that one.
telemetry::page_variant variant_of(const request& received) {
  using enum telemetry::page_format;
  using enum telemetry::page_encoding;
  const auto& accept = received.accept;
  const bool open = names_type(accept, open_metrics_type, open_metrics_version) &&
                    weight_of_type(accept, open_metrics_type, open_metrics_version) >=
                        weight_of_type(accept, prometheus_type, prometheus_version);
  return {open ? open_metrics : prometheus, prefers_gzip(received.accept_encoding) ? gzip : identity};
}

loop::awaitable<response> scrape(telemetry::page& page, telemetry::page_variant variant) {
  const auto made = co_await page.scrape(variant);
  if (!made) co_return text(503, made.error().text + "\n");
  response answer;
  answer.content_type =
      variant.format == telemetry::page_format::open_metrics ? open_metrics_content : prometheus_content;
  if (variant.encoding == telemetry::page_encoding::gzip) answer.content_encoding = "gzip";
  answer.vary = "Accept, Accept-Encoding";
  answer.body = *made;
  co_return answer;
}

}  // namespace

void add_scrape(http::routes& routes, telemetry::page& page) {
  routes.add(method::get, "/metrics", "metrics for Prometheus",
             [&page](const request& received) { return scrape(page, variant_of(received)); });
}

}  // namespace millrace::http
