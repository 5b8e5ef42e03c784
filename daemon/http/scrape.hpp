#pragma once

#include "http/routes.hpp"
#include "telemetry/page.hpp"

namespace millrace::http {

/// Adds `/metrics`, which answers 200 and the page, or 503 when the page is closed. The format is the text format of
/// Prometheus, or OpenMetrics for a client whose `Accept` names it and does not prefer the other. The answer is
/// compressed if `Accept-Encoding` prefers gzip. Requires: `page` outlives the routes.
void add_scrape(routes& routes, telemetry::page& page);

}  // namespace millrace::http
