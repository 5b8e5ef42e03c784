#pragma once

#include "control/context.hpp"
#include "http/routes.hpp"

namespace millrace::control {

/// Adds `/v1/status`, the state of the daemon, and `/v1/tasks`, the tasks of its loop. Both answer at any time, also
/// while the daemon recovers or drains. Requires: `context` outlives the routes.
void add_status(http::routes& routes, const context& context);

}  // namespace millrace::control
