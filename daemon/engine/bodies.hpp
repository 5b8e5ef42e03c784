#pragma once

#include <millrace/base/body.hpp>

#include "engine/core.hpp"

/// Decides which bodies are in memory when not all of them may be. Bodies of durable queues count while they are in
/// memory or being read. Above seven eighths of `body_memory_max`, bodies that are durable leave memory, those that are
/// served last first. In a queue of which bodies have left, a new body leaves as soon as it is durable, even below the
/// limit, since all jobs before it are served first. The last eighth is for reading ahead: a fixed number of bodies of
/// a queue is requested before it is their turn.
///
/// Bodies of reserved jobs are not bounded by this.
namespace millrace::engine {

/// Bytes of bodies above which those that are on disk leave memory.
[[nodiscard]] std::uint64_t body_memory_mark(const core& core) noexcept;

/// Begins to count the body of a new job if it is limited; stops counting the body of a job that ends.
void begin_counting(core& core, slot at);
void end_counting(core& core, slot at) noexcept;

/// The body is on disk now.
void stored(core& core, slot at);
/// The holder has given the job back.
void put_back(core& core, slot at);

/// Requests the body from disk, unless it is being read already.
void want(core& core, slot at);
/// After a job of the queue was reserved: requests the bodies of the next jobs that are only on disk.
void read_ahead(core& core, queue& origin);

/// What was read, of the length that is known (asserted); or it could not be read. Nothing if it is not wanted any
/// more.
void arrived(core& core, slot at, body&& content);
void not_arrived(core& core, slot at) noexcept;

}  // namespace millrace::engine
