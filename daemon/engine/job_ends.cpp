#include "engine/job_ends.hpp"

#include <cassert>

#include "engine/admission.hpp"
#include "engine/expiry.hpp"
#include "engine/groups.hpp"
#include "engine/recording.hpp"
#include "engine/reserving.hpp"
#include "engine/transitions.hpp"

namespace millrace::engine {

namespace {

/// The queue named by a finish or by the options of the job's queue; nullptr if there is none or it is gone.
queue* letters_of(core& core, const job& record, std::optional<queue_id> letters) {
  if (letters) return core.queues.find(*letters);
  const auto& name = core.queue_of(record).options.dead_letter;
  return name.empty() ? nullptr : core.queues.find(name);
}

/// Makes capacity by drops if that is the rule of the queue. False: the queue refuses the job.
bool make_capacity(core& core, queue& into, const job& record) {
  const demand needed{.jobs = 1, .bytes = record.content.size()};
  switch (capacity_in(into, needed, false)) {
    case capacity::free:
      return true;
    case capacity::after_drops:
      drop_until_fits(core, into, needed);
      return true;
    case capacity::later:
    case capacity::none:
      break;
  }
  into.counts.rejected.add(into.could_fit(needed) ? reason::overflow : reason::too_large);
  return false;
}

/// A client that deletes a job that it holds has done it.
void tell_group(core& core, slot at, outcome result, std::optional<reason> cause, std::string_view result_text) {
  const job_history& history = core.jobs.history_if_any(at);
  if (result == outcome::deleted && core.jobs[at].state == job_state::reserved) result = outcome::ok;
  std::string_view text = result == outcome::ok ? result_text : std::string_view{history.error_text};
  if (cause == reason::client) text = "its client buried it";
  note_member_end(core, history.details, result, text);
}

}  // namespace

void job_ended(core& core, slot at, outcome result, std::optional<reason> cause, std::string_view result_text) {
  const job& record = core.jobs[at];
  if (record.in_group) tell_group(core, at, result, cause, result_text);
  // A client that buries a job may kick it again: no outcome.
  if (cause == reason::client) return;
  core.queue_of(record).counts.finished[static_cast<std::size_t>(result)].add();
}

void end_job(core& core, slot at, outcome result, std::string_view result_text) {
  job_ended(core, at, result, std::nullopt, result_text);
  remove_job(core, at);
}

void bury_job(core& core, slot at, outcome result, reason cause) {
  core.queue_of(core.jobs[at]).counts.buried.add(cause);
  job_history& history = core.jobs.history_of(at);
  ++history.buries;
  history.details.cause = cause;
  job_ended(core, at, result, cause);
  make_buried(core, at);
}

bool dead_letter(core& core, slot at, outcome result, reason cause, std::optional<queue_id> letters) {
  const job& record = core.jobs[at];
  queue* const into = letters_of(core, record, letters);
  if (into == nullptr || into == &core.queue_of(record)) return false;
  if (!core.jobs.history_if_any(at).details.origin.empty()) return false;
  if (!can_be_stored(core, at, *into) || !make_capacity(core, *into, record)) return false;

  queue& from = core.queue_of(record);
  from.counts.dead_lettered.add(cause);
  job_details& details = core.jobs.history_of(at).details;
  details.cause = cause;
  details.origin = from.name;
  job_ended(core, at, result, cause);
  move_job(core, at, *into, job_state::ready);
  return true;
}

bool names_dead_letter_queue(const core& core, slot at, std::optional<queue_id> letters) {
  const queue& owner = core.queue_of(core.jobs[at]);
  if (letters) return *letters != owner.id;
  return !owner.options.dead_letter.empty() && owner.options.dead_letter != owner.name;
}

bool give_up_job(core& core, slot at, outcome result, reason cause, std::optional<queue_id> letters) {
  if (dead_letter(core, at, result, cause, letters)) return true;
  bury_job(core, at, result, cause);
  return false;
}

finish_status interrupt_job(core& core, slot at, std::optional<queue_id> letters, std::uint32_t deliveries_max) {
  queue& owner = core.queue_of(core.jobs[at]);
  owner.counts.interrupted.add();
  const auto interruptions = ++core.jobs.history_of(at).interruptions;
  if (is_expired(core, at)) return expire(core, at, letters);
  const auto most = owner.options.deliveries_max.value_or(deliveries_max);
  if (most != 0 && interruptions >= most) {
    const bool moved = give_up_job(core, at, outcome::failed, reason::undeliverable, letters);
    return moved ? finish_status::dead_lettered : finish_status::buried;
  }
  if (core.jobs[at].state == job_state::ready) {
    record_counts(core, at);
  } else {
    make_ready(core, at);
  }
  return finish_status::interrupted;
}

void cancel_job(core& core, slot at) {
  const job& record = core.jobs[at];
  if (record.state != job_state::reserved) return end_job(core, at, outcome::cancelled);
  session& holder = core.sessions[record.holder];
  const bool awaited = holder.awaited == at;
  if (!awaited && !record.leased && !record.has_waiting_finish) {
    event decision;
    decision.type = event::kind::cancelled;
    decision.session = holder.id;
    decision.id = record.id;
    core.events.push_back(std::move(decision));
  }
  end_job(core, at, outcome::cancelled);
  if (awaited) resume_waiting(core, holder);
}

}  // namespace millrace::engine
