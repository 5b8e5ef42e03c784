#pragma once

#include <string>
#include <utility>
#include <vector>

#include "control/actions.hpp"
#include "control/context.hpp"
#include "http/routes.hpp"

namespace millrace::control {

/// Adds `/v1/queues/{name}/redrive`, `/move`, `/cancel`, `/delete`, `/kick` and `/priority`: actions that change all
/// jobs of a queue that a selection finds. Requires: everything outlives the routes.
void add_bulk_changes(http::routes& routes, const context& context, actions& actions);

/// Starts again what a former process kept of its bulk actions. An action whose queue is gone, or which this program
/// does not know, is forgotten.
void resume_bulk_changes(const context& context, actions& actions);

}  // namespace millrace::control
