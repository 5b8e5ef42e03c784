#pragma once

#include "control/context.hpp"
#include "http/routes.hpp"

namespace millrace::control {

/// Adds `GET /v1/trace`, which shows the trace of the tasks and jobs (loop/trace_recorder.hpp), and `POST /v1/trace`,
/// which begins or ends it. A trace begins with a new file. Answered 409 if no new file can be made, if a trace runs
/// already, or if none runs that could end. Answered 501 if the context has no recorder. Requires: `context` outlives
/// the routes.
void add_trace(http::routes& routes, const context& context);

}  // namespace millrace::control
