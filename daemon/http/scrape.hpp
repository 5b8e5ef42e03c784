#pragma once

#include "http/routes.hpp"
#include "telemetry/page.hpp"

namespace millrace::http {

/// `/metrics`: the page in Prometheus' text format; 503 when the page is closed. `page` outlives the routes.
void add_scrape(routes& where, telemetry::page& page);

}  // namespace millrace::http
