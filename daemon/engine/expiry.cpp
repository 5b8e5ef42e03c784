#include "engine/expiry.hpp"

#include "engine/job_ends.hpp"

namespace millrace::engine {

namespace {

/// When the job expires, if it is ready or delayed; `never`: it does not. Requires: `expires` is set in its record.
instant expiry_of(const core& core, slot at) noexcept {
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

bool is_expired(const core& core, slot at) noexcept { return core.jobs[at].expires && expiry_of(core, at) <= core.now; }

void begin_expiry(core& core, slot at) {
  const instant due = expiry_of(core, at);
  if (due == never) return;
  core.expiring.set(core.jobs.history_of(at).expiry, due, {due_kind::expiry, core.jobs[at].id.value()});
  follow_first_expiry(core);
}

void end_expiry(core& core, slot at) {
  job_history& history = core.jobs.history_of(at);
  if (history.expiry == 0) return;
  core.expiring.clear(history.expiry);
  follow_first_expiry(core);
}

finish_status expire(core& core, slot at, std::optional<queue_id> letters) {
  if (dead_letter(core, at, outcome::expired, reason::expired, letters)) return finish_status::dead_lettered;
  if (!names_dead_letter_queue(core, at, letters)) {
    end_job(core, at, outcome::expired);
    return finish_status::expired;
  }
  // Otherwise a kick could only bury it again.
  core.jobs.history_of(at).details.expires_at = never;
  if (core.jobs[at].state != job_state::buried) bury_job(core, at, outcome::expired, reason::expired);
  return finish_status::buried;
}

void expire_first(core& core) { expire(core, core.jobs.find(job_id{core.expiring.first_owner().number})); }

}  // namespace millrace::engine
