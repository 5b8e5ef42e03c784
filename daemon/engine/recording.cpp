#include "engine/recording.hpp"

#include <algorithm>
#include <cassert>
#include <memory>

namespace millrace::engine {

namespace {

/// The durability of an end or a move. If the store knows the job, it is at least `relaxed`, even for a queue in
/// memory: otherwise the job would come back after a restart.
durability durability_of(const job& record, const queue& owner) noexcept {
  return is_recorded(record, owner) ? std::max(owner.options.durability, durability::relaxed) : durability::memory;
}

std::shared_ptr<const job_details> details_of(const job_history& history) {
  static const job_details none;
  return history.details == none ? nullptr : std::make_shared<const job_details>(history.details);
}

}  // namespace

bool is_recorded(const job& record, const queue& owner) noexcept {
  return record.on_disk || record.recorded || owner.options.durability != durability::memory;
}

bool can_be_stored(const core& core, slot at, const queue& to) {
  if (!core.disk_check || to.options.durability == durability::memory) return true;
  const job& record = core.jobs[at];
  return is_recorded(record, core.queue_of(record)) || core.disk_check(record.content.size());
}

void record_put(core& core, slot at, job_state state, const body& content, instant due) {
  if (!core.collecting) return;
  const job& record = core.jobs[at];
  const queue& owner = core.queue_of(record);
  const job_history& history = core.jobs.history_if_any(at);
  core.record_change(
      job_put{.job = record.id,
              .queue = owner.id,
              .state = state,
              .request = {.content = content, .priority = record.priority, .delay = record.delay, .ttr = record.ttr},
              .put_at = record.put_at,
              .due = due,
              .error_text = history.error_text,
              .durability = owner.options.durability,
              .tally = tally_of(record, history),
              .details = details_of(history)});
}

void record_move(core& core, slot at, const move_facts& move) {
  if (!core.collecting) return;
  const job& record = core.jobs[at];
  const queue& owner = core.queue_of(record);
  const job_history& history = core.jobs.history_if_any(at);
  core.record_change(job_moved{.job = record.id,
                               .queue = owner.id,
                               .state = move.to,
                               .priority = record.priority,
                               .delay = record.delay,
                               .due = move.due,
                               .tally = tally_of(record, history),
                               .error_text = history.error_text,
                               .durability = durability_of(record, owner),
                               .handed_out = move.handed_out,
                               .details = details_of(history),
                               .from = move.from});
}

void record_counts(core& core, slot at) {
  assert(core.jobs[at].state == job_state::ready);
  record_move(core, at, {.to = job_state::ready});
}

void record_end(core& core, slot at) {
  if (!core.collecting) return;
  const job& record = core.jobs[at];
  const queue& owner = core.queue_of(record);
  core.record_change(job_gone{record.id, owner.id, durability_of(record, owner)});
}

}  // namespace millrace::engine
