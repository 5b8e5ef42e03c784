#pragma once

#include "engine/core.hpp"

/// The changes of jobs, as the store needs them (engine/change.hpp). All do nothing while no changes are collected.
namespace millrace::engine {

/// Whether the store has an earlier change of the job, so that its further ones are written in any queue.
[[nodiscard]] bool is_recorded(const job& record, const queue& owner) noexcept;

/// False: the job would come from memory into a durable queue, and the store cannot write its body now.
[[nodiscard]] bool can_be_stored(const core& core, slot at, const queue& to);

/// The store does not know the job yet: it is new, or comes from a queue in memory into a durable one. `due`: when
/// delayed. `state` and `content` are what the job is given by this command.
void record_put(core& core, slot at, job_state state, const body& content, instant due);

/// What a move changes, beside what the record of the job says.
struct move_facts {
  job_state to{};  ///< its state from now on
  instant due{};   ///< when delayed
  bool handed_out{false};
  queue_id from{};  ///< the queue that it leaves; none: it stays
};
void record_move(core& core, slot at, const move_facts& move);
/// What a ready job has counted; it stays where it is.
void record_counts(core& core, slot at);
void record_end(core& core, slot at);

}  // namespace millrace::engine
