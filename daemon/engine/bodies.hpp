#pragma once

#include <millrace/base/body.hpp>

#include "engine/core.hpp"

/// Decides which bodies are in memory when not all of them may be. Bodies of durable queues count while they are in
/// memory or are read. Above seven eighths of `body_memory_max`, a body leaves memory when it becomes durable, or
/// later when the state or the queue of its job changes. In a queue of which bodies have left, a new body leaves as
/// soon as it is durable, even below that mark, since all jobs before it are served first. The last eighth is for
/// reading ahead: a fixed number of bodies of a queue is requested before it is their turn.
///
/// Bodies of reserved jobs count too, but do not leave memory.
namespace millrace::engine {

/// Bytes of bodies above which those that are on disk leave memory.
[[nodiscard]] std::uint64_t body_memory_mark(const core& core) noexcept;

/// Begins to count the body of a new job if it is limited; stops counting the body of a job that ends.
void begin_counting(core& core, slot at);
void end_counting(core& core, slot at) noexcept;

/// The body is durable now: it may be evicted.
void stored(core& core, slot at);
/// After the job changed its state or its queue: above the mark its body leaves memory, unless the job is reserved.
void evict_if_above_mark(core& core, slot at);

/// Requests the body from disk, unless it is being read already.
void request_body(core& core, slot at);
/// After a job of the queue was reserved: requests the bodies of the next jobs that are only on disk.
void read_ahead(core& core, queue& origin);

/// Stores the body that was read, or gives up the request. Both do nothing if the body is not requested any more.
/// Requires: the length is that of the put (asserted).
void body_read(core& core, slot at, body&& content);
void body_read_failed(core& core, slot at) noexcept;

}  // namespace millrace::engine
