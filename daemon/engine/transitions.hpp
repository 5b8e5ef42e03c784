#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/change.hpp"
#include "engine/core.hpp"

/// The transitions of a job: it is added, changes its state, and is removed. Each keeps all lists, heaps, deadlines,
/// job counts and changes consistent. Requires: the caller has checked that the transition is allowed, and counts its
/// reason.
namespace millrace::engine {

/// What a job keeps of its failed attempts.
struct failure_record {
  std::uint32_t failures{0};
  std::string error_text{};  ///< of the last one
};

/// Adds a new job to the queue: delayed if it has a delay, else ready. A dead letter brings the failures of the old
/// job. Requires: the limits of the queue allow it, and an id is left (asserted).
job_id put_job(core& core, queue& into, put_request&& request, failure_record failure = {});

/// Restores a job that a store kept, with its id, age and counts; a due time in the past is due at once. Limits are not
/// checked, and nothing is counted or collected. Requires: no session waits yet.
void restore_job(core& core, queue& into, kept_job&& kept);

/// Ends the present state and begins another. A job that becomes ready goes at once to the longest waiter.
void make_ready(core& core, slot at);
void make_delayed(core& core, slot at, duration delay);
void make_buried(core& core, slot at);
/// None: its body is on disk only, and the session waits until it was read (`body_came`).
std::optional<reserved_job> make_reserved(core& core, slot at, session& holder, lease lease_kind);

/// Stores the body that was read for this job. A session that waits for the body now holds the job.
void body_came(core& core, slot at, body&& content);

/// Removes the job. Requests that wait for its capacity are admitted at the end of the command.
void end_job(core& core, slot at);

/// The lease of a reserved job starts, or starts again, with the whole ttr.
void start_lease(core& core, slot at);

/// Time spent reserved and time since the put are observed, for a job whose holder is done with it.
void observe_done(core& core, slot at);

/// Adds the event for a session that waited.
void tell_granted(core& core, const session& client, reserved_job&& job);

/// Gives the first ready job to the longest waiter. Requires: both are there.
void grant_first(core& core, queue& origin);

/// Schedules the queue for `admit_waiters`: it may have capacity now, or may have to be removed.
inline void mark_unsettled(core& core, queue& target) {
  if (target.unsettled || (target.capacity_waiters.empty() && !target.idle())) return;
  target.unsettled = true;
  core.unsettled.push_back(queue_table::slot_of(target));
}

}  // namespace millrace::engine
