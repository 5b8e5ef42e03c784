#pragma once

#include <optional>
#include <string_view>

#include "engine/core.hpp"

/// How jobs end: they are removed, buried, or moved to a dead letter queue. A retry is no end, and neither is a kick of
/// a buried job: that job has ended all the same.
namespace millrace::engine {

/// Every end of a job passes here, before the job leaves its state; its error and its failures are up to date. `cause`:
/// of a job that is buried or dead-lettered. `result_text`: of an `ok` job, for its group. Requires: the job does not
/// end twice in one change.
void job_ended(core& core, slot at, outcome result, std::optional<reason> cause = std::nullopt,
               std::string_view result_text = {});

/// Removes the job. Requests that wait for its capacity are admitted at the end of the command.
void end_job(core& core, slot at, outcome result, std::string_view result_text = {});

/// Buries the job where it is. Requires: it is not buried (asserted).
void bury_job(core& core, slot at, outcome result, reason cause);

/// Moves the job to the dead letter queue: `letters`, or the one that its queue names. False, and nothing was done:
/// there is none, or it is gone, full, the job's own queue, or on a disk without space; or the job is a dead letter
/// already, since chains end after one step. A refusal for lack of capacity counts in the dead letter queue.
bool dead_letter(core& core, slot at, outcome result, reason cause, std::optional<queue_id> letters = std::nullopt);

/// Whether there should be a dead letter queue for the job, other than its own: `letters`, or the one that its queue
/// names. It may be gone.
[[nodiscard]] bool names_dead_letter_queue(const core& core, slot at, std::optional<queue_id> letters);

/// Moves the job to the dead letter queue, or buries it: true if it was moved. Requires: as for `bury_job`.
bool give_up_job(core& core, slot at, outcome result, reason cause, std::optional<queue_id> letters = std::nullopt);

/// The job was handed out and its holder never answered. It becomes ready, or is given up as `undeliverable` where this
/// was the last interruption that its queue allows, or `deliveries_max` where the queue says nothing (0: no limit).
/// `letters`: as for `dead_letter`. Returns `interrupted` for a job that is ready, `expired`, `dead_lettered` or
/// `buried`. Requires: it is ready, because it was restored so, or reserved.
finish_status interrupt_job(core& core, slot at, std::optional<queue_id> letters = std::nullopt,
                            std::uint32_t deliveries_max = 0);

/// Removes the job, whatever its state, as `cancelled`. A holder without a deadline gets the event `cancelled`, unless
/// its finish waits: then that ends with `not_found`. A session that waits for the body of the job goes on waiting.
void cancel_job(core& core, slot at);

}  // namespace millrace::engine
