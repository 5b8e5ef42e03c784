#pragma once

#include "engine/core.hpp"

namespace millrace::engine {

/// Does what is due at `core.now`: jobs expire, delays and leases end, margins begin, waits and pauses are over. At
/// most `moves_per_turn_max` of them; what is left stays due.
void do_what_is_due(core& core);

/// For the time `length`, no job is reserved from `target`, unless it is reserved by its id. A present pause is
/// replaced; zero ends it.
void pause(core& core, queue& target, duration length);

}  // namespace millrace::engine
