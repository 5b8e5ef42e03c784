#pragma once

#include <vector>

#include <millrace/base/ids.hpp>

#include "control/actions.hpp"
#include "control/context.hpp"

/// The work of bulk actions. Each step is one command of the broker on at most `engine::moves_per_turn_max` jobs, and
/// is counted when its changes are durable. The next step begins after that, so the write backlog has one step of an
/// action at most. An action that is stopped, or whose process is killed, has changed whole jobs only.
namespace millrace::control {

/// Deletes the jobs of that queue that are in these states now. Jobs that come later stay, and so do jobs that a
/// consumer or client holds. Each job is looked at when its turn comes.
loop::awaitable<> purge(const context& context, queue_id queue, std::vector<engine::job_state> states, action& facts);

/// Makes up to `bound` jobs of that queue ready: those from `origin`; undecided: the buried ones, or the delayed ones
/// if none is buried.
loop::awaitable<> kick(const context& context, queue_id queue, std::uint64_t bound, engine::engine::kick_from origin,
                       action& facts);

}  // namespace millrace::control
