#pragma once

#include "http/control.hpp"
#include "http/routes.hpp"

namespace millrace::http {

/// Adds `/healthz`, which answers 200 `ok` if the loop runs, and `/readyz`, which answers 200 `ready`, or 503 and the
/// reason. Requires: `state` outlives the routes.
void add_health(routes& routes, const control& state);

}  // namespace millrace::http
