#pragma once

#include "engine/core.hpp"

/// A job that ends here and goes on there, in one change: outputs, and dead letters.
namespace millrace::engine {

/// `at` is reserved, and by `who`.
finish_answer finish(core& all, session& who, slot at, finish_request&& what);

/// A finish that stands first in the line of `here` tries again; false: it has to stay.
bool admit_finish(core& all, queue& here, waiting_one& it);

/// A finish that waits is given up by its session: the job stays reserved. False if none waits.
bool withdraw_finish(core& all, slot at);
/// The job slips away from its holder while a finish of it waits: the session is told that it came to nothing.
void forget_waiting_finish(core& all, slot at);

}  // namespace millrace::engine
