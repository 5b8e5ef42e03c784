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

/// Adds a new job to the queue: delayed if it has a delay, else ready. Requires: the limits of the queue allow it, and
/// an id is left (asserted).
job_id put_job(core& core, queue& into, put_request&& request);

/// Moves a job of any state to another queue, where it is in `state`: a delayed one is due after the job's `delay`,
/// from now. The job keeps its id, time of put, counts and details; a reserved one leaves its holder. It counts as a
/// put of `to`. Sessions that wait for a job of `to` get a ready one at once; puts that wait for capacity of the queue
/// that it left are admitted at the end of the command. Requires: `to` is another queue and `state` is not `reserved`
/// (asserted); where limits apply, the caller has checked those of `to`; the store has space where the job comes from
/// memory into a durable queue (`can_be_stored`, engine/recording.hpp).
void move_job(core& core, slot at, queue& to, job_state state);

/// Restores a job that a store kept, with its id, age and counts; a due time in the past is due at once. Limits are not
/// checked, and nothing is counted or collected. Requires: no session waits yet.
void restore_job(core& core, queue& into, kept_job&& kept);

/// Ends the present state and begins another. A job that becomes ready goes at once to the longest waiter. An expired
/// job does not become ready or delayed: it ends (engine/expiry.hpp).
void make_ready(core& core, slot at);
void make_delayed(core& core, slot at, duration delay);
void make_buried(core& core, slot at);
/// None: its body is on disk only, and the session waits until it was read (`body_loaded`).
std::optional<reserved_job> make_reserved(core& core, slot at, session& holder, lease lease_kind);

/// Stores the body that was read for this job. A session that waits for the body now holds the job.
void body_loaded(core& core, slot at, body&& content);

/// Removes the job. Requests that wait for its capacity are admitted at the end of the command. Called by `end_job`
/// (engine/job_ends.hpp) only, because all ends of jobs pass there.
void remove_job(core& core, slot at);

/// The lease of a reserved job starts, or starts again, with the whole ttr.
void start_lease(core& core, slot at);

/// Observes the time that the job was reserved, for an attempt that has ended.
void observe_attempt(core& core, slot at);
/// Observes the time since the put too, for a job that will not be tried again.
void observe_done(core& core, slot at);

/// Adds the event for a session that waited.
void tell_granted(core& core, const session& client, reserved_job&& job);

/// Gives the first ready job to the longest waiter. Requires: both are there.
void grant_first(core& core, queue& origin);

/// Schedules the queue for `end_command`: it may have capacity now, or may have to be removed.
inline void mark_for_update(core& core, queue& target) {
  if (target.to_update || (target.capacity_waiters.empty() && !target.idle())) return;
  target.to_update = true;
  core.queues_to_update.push_back(queue_table::slot_of(target));
}

}  // namespace millrace::engine
