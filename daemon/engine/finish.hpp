#pragma once

#include "engine/core.hpp"

/// Ends a job and puts its outputs, or its dead letter, in one change.
namespace millrace::engine {

/// `at` is reserved, and by `who`.
finish_answer finish(core& all, session& who, slot at, finish_request&& request);

/// Tries the first finish of the waiters of `here` again. False: it goes on waiting.
bool admit_finish(core& all, queue& here, capacity_waiter& it);

/// Withdraws a finish that waits: the job stays reserved. False if none waits.
bool withdraw_finish(core& all, slot at);
/// The job is no longer held while its finish waits (its lease is over, or its holder released it): the session is told
/// `not_found`.
void forget_waiting_finish(core& all, slot at);

}  // namespace millrace::engine
