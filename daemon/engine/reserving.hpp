#pragma once

#include "engine/core.hpp"

/// How a session comes to a job, at once or by waiting for one.
namespace millrace::engine {

/// The best job of all queues that `client` watches and that are not paused. Costs the length of the watch list.
[[nodiscard]] slot best_ready(const core& core, const session& client) noexcept;
reserve_answer reserve(core& core, session& client, lease lease_kind, instant wait_until);
reserve_answer reserve_job(core& core, session& client, job_id job);
/// Removes the session from the waiters of all queues that it watches. False if it did not wait for a job.
bool stop_waiting(core& core, session& client);
/// Makes the job whose body the session waits for ready again. False if there is none.
bool stop_awaiting_body(core& core, session& client);
/// The body of a job cannot be read: a job that a session waits for goes to the dead letter queue or is buried, and the
/// session goes on waiting.
void body_lost(core& core, slot at);
/// The job whose body the session waited for is gone: the session waits for another as the first of all, or gets
/// `not_found` if it asked for that job.
void resume_waiting(core& core, session& client);

/// The margin before the end of a lease begins. A holder that waits in a reserve gets the event `deadline_soon`.
void begin_deadline_soon(core& core, slot at);
/// The time a session was willing to wait is over.
void give_up_waiting(core& core, session& client);
/// A lease is over, whatever its holder does.
void expire_lease(core& core, slot at);

}  // namespace millrace::engine
