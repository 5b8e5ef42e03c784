#pragma once

#include "control/actions.hpp"
#include "control/context.hpp"
#include "control/rates.hpp"
#include "http/routes.hpp"

namespace millrace::control {

/// Adds the routes that change queues: pause and resume, and kick and purge, which are actions. Changes are
/// answered 503 while the daemon starts, recovers or drains. Each change is logged.
/// Requires: everything outlives the routes.
void add_changes(http::routes& routes, const context& context, const rates& rates, actions& actions);

}  // namespace millrace::control
