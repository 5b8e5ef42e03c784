#pragma once

#include "engine/core.hpp"
#include "engine/job_walk.hpp"

/// Changes that people and clients make to jobs that nobody holds. Limits of queues are not checked, as for every job
/// that is inside already. Requires: the job is not reserved, except for `delete_job` and `change_job`.
namespace millrace::engine {

/// Ends the job as deleted.
void delete_job(core& core, slot at);
/// Makes a delayed or buried job ready, and counts the kick. An expired job ends instead. If its dead letter queue
/// refuses it, the kick makes it ready nevertheless.
void kick_job(core& core, slot at);
/// Changes the order of service. The job keeps its position in the order of entry.
void set_priority(core& core, slot at, priority value);

/// Applies any of the changes. `wrong_state`, and nothing is done, for a reserved job.
change_result change_job(core& core, slot at, const job_change& wanted);

}  // namespace millrace::engine
