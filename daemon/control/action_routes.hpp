#pragma once

#include "control/actions.hpp"
#include "control/answers.hpp"
#include "control/change_request.hpp"
#include "control/context.hpp"
#include "http/routes.hpp"

/// What all requests that begin actions share, and the routes that look at actions.
namespace millrace::control {

/// How long the request waits for the end of its action: `?wait=`. Refuses every other parameter.
[[nodiscard]] checked<duration> wait_of(const http::request& request);

/// Starts an action, logs its begin, and answers with it: 200 when it has ended within `wait`, else 202. A
/// request with the key of an earlier one gets the action of that.
loop::awaitable<http::response> begin_action(const context& context, actions& actions, action facts,
                                             actions::work steps, changer by, duration wait);

/// Adds `/v1/actions` and `/v1/actions/{id}`. Requires: everything outlives the routes.
void add_actions(http::routes& routes, const context& context, actions& actions);

}  // namespace millrace::control
