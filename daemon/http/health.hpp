#pragma once

#include "http/control.hpp"
#include "http/routes.hpp"

namespace millrace::http {

/// `/healthz`: 200 `ok`, because the loop turned to say it. `/readyz`: 200 `ready`, or 503 and why not. `state`
/// outlives the routes.
void add_health(routes& where, const control& state);

}  // namespace millrace::http
