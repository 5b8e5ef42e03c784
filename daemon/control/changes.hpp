#pragma once

#include "control/actions.hpp"
#include "control/context.hpp"
#include "control/rates.hpp"
#include "http/routes.hpp"

namespace millrace::control {

/// Adds `/v1/queues/{name}/pause`, `/resume` and `/purge`, of which the last begins an action. They are answered 503
/// while the daemon starts, recovers or drains. Each change is logged. Requires: everything outlives the routes.
void add_changes(http::routes& routes, const context& context, const rates& rates, actions& actions);

}  // namespace millrace::control
