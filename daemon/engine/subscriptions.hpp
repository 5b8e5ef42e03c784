#pragma once

#include <cstddef>
#include <string_view>

#include <millrace/base/result.hpp>

#include "engine/core.hpp"

/// Creates queues when they are declared, used or watched, and marks them for removal when nothing uses them.
namespace millrace::engine {

/// Creates a queue with the default options. Requires: no queue has that name.
queue& add_queue(core& core, std::string_view name);

result<queue_id> declare(core& core, std::string_view name, const queue_options& options);
/// False: the queue is gone.
bool undeclare(core& core, queue_id id);
/// Gives the default options to a queue that is not declared; false: it is declared, or gone.
bool apply_defaults(core& core, queue_id id);
result<queue_id> use(core& core, session& client, std::string_view name);
result<std::size_t> watch(core& core, session& client, std::string_view name);
result<std::size_t> ignore(core& core, session& client, std::string_view name);

/// Gives back at most `moves_per_turn_max` jobs; true once the session is gone.
bool close(core& core, session& client, session_end end);

}  // namespace millrace::engine
