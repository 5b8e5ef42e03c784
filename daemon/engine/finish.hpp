#pragma once

#include "engine/core.hpp"

/// Ends a job and puts its outputs, or its dead letter, in one change.
namespace millrace::engine {

/// Requires: `at` is reserved by `client`.
finish_answer finish(core& core, session& client, slot at, finish_request&& request);

/// Tries the first finish of the waiters of `freed_queue` again. False: it goes on waiting.
bool admit_finish(core& core, queue& freed_queue, capacity_waiter& waiter);

/// Withdraws a finish that waits: the job stays reserved. False if none waits.
bool withdraw_finish(core& core, slot at);
/// The job is no longer held while its finish waits (its lease is over, or its holder released it): the event of the
/// session says `not_found`.
void forget_waiting_finish(core& core, slot at);

}  // namespace millrace::engine
