#include "engine/expiry.hpp"

#include "engine/transitions.hpp"

namespace millrace::engine {

namespace {

/// When the job expires, if it is ready or delayed; `never` for most.
instant expiry_of(const core& core, slot at) noexcept {
  if (core.jobs[at].history == no_slot) return never;
  const job_details& details = core.jobs.history_if_any(at).details;
  return details.origin.empty() ? details.expires_at : never;
}

/// The entry among the deadlines follows the job that expires first.
void follow_first_expiry(core& core) {
  if (core.expiring.empty()) {
    core.due.clear(core.expiry_due);
  } else {
    core.due.set(core.expiry_due, core.expiring.first_due(), {due_kind::expiry, 0});
  }
}

}  // namespace

bool is_expired(const core& core, slot at) noexcept { return expiry_of(core, at) <= core.now; }

void begin_expiry(core& core, slot at) {
  const instant due = expiry_of(core, at);
  if (due == never) return;
  core.expiring.set(core.jobs.history_of(at).expiry, due, {due_kind::expiry, core.jobs[at].id.value()});
  follow_first_expiry(core);
}

void end_expiry(core& core, slot at) {
  if (core.jobs[at].history == no_slot) return;
  job_history& history = core.jobs.history_of(at);
  if (history.expiry == 0) return;
  core.expiring.clear(history.expiry);
  follow_first_expiry(core);
}

void expire(core& core, slot at) {
  queue& owner = core.queue_of(core.jobs[at]);
  owner.counts.finished[static_cast<std::size_t>(outcome::expired)].add();
  end_job(core, at);
}

void expire_first(core& core) { expire(core, core.jobs.find(job_id{core.expiring.first_owner().number})); }

}  // namespace millrace::engine
