#pragma once

#include "http/routes.hpp"
#include "telemetry/page.hpp"

namespace millrace::http {

/// Adds `/metrics`, the page in the text format of Prometheus, or 503 when the page is closed.
/// Requires: `page` outlives the routes.
void add_scrape(routes& routes, telemetry::page& page);

}  // namespace millrace::http
