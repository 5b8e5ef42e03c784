#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "control/actions.hpp"
#include "control/answers.hpp"
#include "control/context.hpp"
#include "control/rates.hpp"
#include "http/routes.hpp"

namespace millrace::control {

/// Adds `/v1/queues` and `/v1/queues/{name}`, which read. Requires: `context` and `rates` outlive the routes.
void add_queues(http::routes& routes, const context& context, const rates& rates);

/// The queue that the request names.
[[nodiscard]] checked<queue_id> queue_of(const context& context, const http::request& request);
[[nodiscard]] boost::json::object describe_queue(const context& context, const rates& rates, queue_id queue);

}  // namespace millrace::control
