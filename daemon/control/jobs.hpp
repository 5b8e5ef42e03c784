#pragma once

#include "control/context.hpp"
#include "http/routes.hpp"

namespace millrace::control {

/// Adds `/v1/jobs/{id}`, one job with its history, and with `?body=1` its body; and `/v1/jobs/{id}/cancel`.
/// Requires: `context` outlives the routes.
void add_jobs(http::routes& routes, const context& context);

}  // namespace millrace::control
