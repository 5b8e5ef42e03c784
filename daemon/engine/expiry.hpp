#pragma once

#include <optional>

#include "engine/core.hpp"

/// Ends jobs that nobody took in time. A ready or delayed job expires at its `job_details::expires_at`. A reserved or
/// buried job does not; when it becomes ready or delayed again after that time, it expires at once. A dead letter (a
/// job with an origin) never expires, so that it can be looked at.
///
/// All expiring jobs are in one heap of the engine, and that heap has one entry among the deadlines. A heap of each
/// queue would cost a page of memory for each of up to `queues_max` queues.
namespace millrace::engine {

/// Whether the job must expire instead of becoming ready or delayed now.
[[nodiscard]] bool is_expired(const core& core, slot at) noexcept;

/// The job became ready or delayed; it leaves that state. Requires: `expires` is set in its record.
void begin_expiry(core& core, slot at);
void end_expiry(core& core, slot at);

/// Ends the job with the outcome `expired`, whatever its state. Without a dead letter queue (`letters`, or the one that
/// its queue names) it is removed: `expired`. Otherwise it moves there: `dead_lettered`. Where that queue is gone or
/// refuses it, it is buried and never expires again: `buried`. A job that is buried already has ended and stays so.
finish_status expire(core& core, slot at, std::optional<queue_id> letters = std::nullopt);

/// Ends the job that expires first. Requires: there is one.
void expire_first(core& core);

}  // namespace millrace::engine
