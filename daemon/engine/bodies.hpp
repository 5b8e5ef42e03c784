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
[[nodiscard]] std::uint64_t body_memory_mark(const core& all) noexcept;

/// The body of a new job counts from now on, if it is to be bounded; that of a job which ends does no more.
void begin_counting(core& all, slot at);
void end_counting(core& all, slot at) noexcept;

/// It is on disk from now on, too.
void stored(core& all, slot at);
/// Its holder does not have it any more.
void put_back(core& all, slot at);

/// The body is to be read, if it is not on its way already.
void want(core& all, slot at);
/// After a job of that queue was taken: bodies of the next ones, where they are on disk only.
void read_ahead(core& all, queue& from);

/// What was read, of the length that is known (asserted); or it could not be read. Nothing if it is not wanted any
/// more.
void arrived(core& all, slot at, body&& content);
void not_arrived(core& all, slot at) noexcept;

}  // namespace millrace::engine
