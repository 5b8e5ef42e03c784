#pragma once

#include "control/actions.hpp"
#include "control/context.hpp"
#include "http/routes.hpp"

namespace millrace::control {

/// Adds `POST /v1/backup`, an action that copies the data into a directory (`store/backup.hpp`). Answered 409 if queues
/// are in memory only, and 503 while the daemon starts, recovers or drains. Requires: everything outlives the routes.
void add_backup(http::routes& routes, const context& context, actions& actions);

}  // namespace millrace::control
