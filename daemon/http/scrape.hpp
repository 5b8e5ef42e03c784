#pragma once

#include "http/routes.hpp"
#include "telemetry/page.hpp"

namespace millrace::http {

/// Adds `/metrics`, or 503 when the page is closed. The page is in the text format of Prometheus, or in OpenMetrics for
/// a client whose `Accept` names it, and compressed if `Accept-Encoding` prefers gzip.
/// Requires: `page` outlives the routes.
void add_scrape(routes& routes, telemetry::page& page);

}  // namespace millrace::http
