#pragma once

#include "control/context.hpp"
#include "http/routes.hpp"

namespace millrace::control {

/// Adds `GET /v1/trace`, which shows the trace of the tasks and jobs (loop/trace_recorder.hpp), and `POST /v1/trace`,
/// which begins or ends it. A new file is made; 409 where that is impossible or a trace runs already. 501 while the
/// context has no recorder. Requires: `context` outlives the routes.
void add_trace(http::routes& routes, const context& context);

}  // namespace millrace::control
