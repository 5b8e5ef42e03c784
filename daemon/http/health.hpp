#pragma once

#include "http/readiness.hpp"
#include "http/routes.hpp"

namespace millrace::http {

/// Adds `/healthz`, which answers 200 `ok` if the loop runs, and `/readyz`, which answers 200 `ready`, or 503 and the
/// reason. Requires: `readiness` outlives the routes.
void add_health(routes& routes, const readiness& readiness);

}  // namespace millrace::http
