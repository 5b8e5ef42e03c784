#include "engine/reserving.hpp"

#include <cassert>

#include "engine/bodies.hpp"
#include "engine/job_ends.hpp"
#include "engine/transitions.hpp"

namespace millrace::engine {

namespace {

enum class waiter_end { first, last };

void start_waiting(core& core, session& client, lease lease_kind, instant until, waiter_end end) {
  client.waits = true;
  client.wanted = lease_kind;
  client.waits_at.resize(client.watched.size());
  for (std::size_t i = 0; i < client.watched.size(); ++i) {
    client.waits_at[i].session = session_table::slot_of(client);
    waiters& others = core.queues[queue_table::slot_of(client.watched[i])].waiting;
    end == waiter_end::first ? others.join_first(client.waits_at[i]) : others.join(client.waits_at[i]);
  }
  if (until != never) core.due.set(client.timeout, until, {due_kind::reserve_timeout, client.id.value()});
}

void tell(core& core, const session& client, event::kind kind) {
  event decision;
  decision.type = kind;
  decision.session = client.id;
  core.events.push_back(std::move(decision));
}

reserve_answer got(std::optional<reserved_job>&& job) {
  if (!job) return {reserve_status::waiting, {}};
  return {reserve_status::reserved, std::move(*job)};
}

reserve_answer reserve(core& core, session& client, lease lease_kind, instant wait_until, waiter_end end) {
  assert(!client.waits && client.awaited == no_slot && client.put == nullptr);
  client.by_id = false;
  client.wait_until = wait_until;
  if (const slot best = best_ready(core, client); best != no_slot)
    return got(make_reserved(core, best, client, lease_kind));
  if (client.held_deadline_soon > 0) return {reserve_status::deadline_soon, {}};
  if (wait_until <= core.now) return {reserve_status::timed_out, {}};
  start_waiting(core, client, lease_kind, wait_until, end);
  return {reserve_status::waiting, {}};
}

}  // namespace

slot best_ready(const core& core, const session& client) noexcept {
  slot best = no_slot;
  for (const queue_id watched : client.watched) {
    const queue& origin = core.queues[queue_table::slot_of(watched)];
    if (origin.paused()) continue;
    const slot first = origin.ready.first(core.jobs);
    if (first == no_slot) continue;
    if (best == no_slot || served_before{}(core.jobs[first], core.jobs[best])) best = first;
  }
  return best;
}

reserve_answer reserve(core& core, session& client, lease lease_kind, instant wait_until) {
  return reserve(core, client, lease_kind, wait_until, waiter_end::last);
}

reserve_answer reserve_job(core& core, session& client, job_id id) {
  const slot at = core.jobs.find(id);
  if (at == no_slot || core.jobs[at].state == job_state::reserved) return {reserve_status::not_found, {}};
  client.by_id = true;
  return got(make_reserved(core, at, client, lease::ttr));
}

bool stop_awaiting_body(core& core, session& client) {
  if (client.awaited == no_slot) return false;
  make_ready(core, client.awaited);
  return true;
}

void body_lost(core& core, slot at) {
  body_read_failed(core, at);
  const job& record = core.jobs[at];
  if (record.state != job_state::reserved || core.sessions[record.holder].awaited != at) return;
  session& client = core.sessions[record.holder];
  core.jobs.history_of(at).error_text = "its body could not be read from disk";
  give_up_job(core, at, outcome::failed, reason::io_error);
  resume_waiting(core, client);
}

void resume_waiting(core& core, session& client) {
  if (client.by_id) return tell(core, client, event::kind::not_found);

  auto answer = reserve(core, client, client.wanted, client.wait_until, waiter_end::first);
  switch (answer.status) {
    case reserve_status::reserved:
      return tell_granted(core, client, std::move(answer.job));
    case reserve_status::deadline_soon:
      return tell(core, client, event::kind::deadline_soon);
    case reserve_status::waiting:
      return;
    default:
      return tell(core, client, event::kind::timed_out);
  }
}

bool stop_waiting(core& core, session& client) {
  if (!client.waits) return false;
  client.waits = false;
  for (std::size_t i = 0; i < client.watched.size(); ++i) {
    core.queues[queue_table::slot_of(client.watched[i])].waiting.leave(client.waits_at[i]);
  }
  core.due.clear(client.timeout);
  return true;
}

void begin_deadline_soon(core& core, slot at) {
  job& record = core.jobs[at];
  session& holder = core.sessions[record.holder];
  record.deadline_soon = true;
  ++holder.held_deadline_soon;
  const instant end = saturating_add(core.due.due_of(record.link[2]), core.limits.lease_margin);
  core.due.set(record.link[2], end, {due_kind::lease_end, record.id.value()});
  if (stop_waiting(core, holder)) tell(core, holder, event::kind::deadline_soon);
}

void give_up_waiting(core& core, session& client) {
  stop_waiting(core, client);
  tell(core, client, event::kind::timed_out);
}

void expire_lease(core& core, slot at) {
  ++core.jobs.history_of(at).timeouts;
  core.queue_of(core.jobs[at]).counts.ttr_expired.add();
  core.ttr_expired.add();
  interrupt_job(core, at);
}

}  // namespace millrace::engine
