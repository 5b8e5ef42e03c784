#pragma once

#include "control/context.hpp"
#include "control/idempotency_keys.hpp"
#include "http/routes.hpp"

namespace millrace::control {

/// Adds `/v1/groups`, which puts many jobs as a group, and `/v1/groups/{id}`. Requires: `context` and `keys` outlive
/// the routes.
void add_groups(http::routes& routes, const context& context, idempotency_keys& keys);

}  // namespace millrace::control
