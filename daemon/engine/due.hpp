#pragma once

#include "engine/core.hpp"

namespace millrace::engine {

/// Does what is due at `all.now`: delays and leases end, margins begin, waits and pauses are over. At most
/// `moves_per_turn_max` of them; what is left stays due.
void do_what_is_due(core& all);

/// Nothing of `it` is reserved for `length`; a pause that was there is replaced, and zero ends it.
void pause(core& all, queue& it, duration length);

}  // namespace millrace::engine
