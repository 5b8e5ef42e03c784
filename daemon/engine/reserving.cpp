#include "engine/reserving.hpp"

#include <cassert>

#include "engine/bodies.hpp"
#include "engine/transitions.hpp"

namespace millrace::engine {

namespace {

enum class place { first, last };

void start_waiting(core& all, session& client, lease lease_kind, instant until, place position) {
  client.waits = true;
  client.wanted = lease_kind;
  client.waits_at.resize(client.watched.size());
  for (std::size_t i = 0; i < client.watched.size(); ++i) {
    client.waits_at[i].session = session_table::place_of(client);
    waiters& line = all.queues[queue_table::place_of(client.watched[i])].waiting;
    position == place::first ? line.join_first(client.waits_at[i]) : line.join(client.waits_at[i]);
  }
  if (until != never) all.due.set(client.timeout, until, {due_kind::reserve_timeout, client.id.value()});
}

void tell(core& all, const session& client, event::kind kind) {
  event decision;
  decision.type = kind;
  decision.session = client.id;
  all.events.push_back(std::move(decision));
}

reserve_answer got(std::optional<reserved_job>&& job) {
  if (!job) return {reserve_status::waiting, {}};
  return {reserve_status::reserved, std::move(*job)};
}

reserve_answer reserve(core& all, session& client, lease lease_kind, instant wait_until, place in_line) {
  assert(!client.waits && client.awaited == no_slot && client.put == nullptr);
  client.by_id = false;
  client.wait_until = wait_until;
  if (const slot best = best_ready(all, client); best != no_slot)
    return got(make_reserved(all, best, client, lease_kind));
  if (client.held_deadline_soon > 0) return {reserve_status::deadline_soon, {}};
  if (wait_until <= all.now) return {reserve_status::timed_out, {}};
  start_waiting(all, client, lease_kind, wait_until, in_line);
  return {reserve_status::waiting, {}};
}

}  // namespace

slot best_ready(const core& all, const session& client) noexcept {
  slot best = no_slot;
  for (const queue_id watched : client.watched) {
    const queue& origin = all.queues[queue_table::place_of(watched)];
    if (origin.paused()) continue;
    const slot first = origin.ready.first(all.jobs);
    if (first == no_slot) continue;
    if (best == no_slot || served_before{}(all.jobs[first], all.jobs[best])) best = first;
  }
  return best;
}

reserve_answer reserve(core& all, session& client, lease lease_kind, instant wait_until) {
  return reserve(all, client, lease_kind, wait_until, place::last);
}

reserve_answer reserve_job(core& all, session& client, job_id id) {
  const slot at = all.jobs.find(id);
  if (at == no_slot || all.jobs[at].state == job_state::reserved) return {reserve_status::not_found, {}};
  client.by_id = true;
  return got(make_reserved(all, at, client, lease::ttr));
}

bool stop_awaiting_body(core& all, session& client) {
  if (client.awaited == no_slot) return false;
  make_ready(all, client.awaited);
  return true;
}

void body_lost(core& all, slot at) {
  not_arrived(all, at);
  const job& record = all.jobs[at];
  if (record.state != job_state::reserved || all.sessions[record.holder].awaited != at) return;
  session& client = all.sessions[record.holder];
  all.queue_of(record).counts.buried[static_cast<std::size_t>(reason::io_error)].add();
  job_history& history = all.jobs.history_of(at);
  ++history.buries;
  history.error_text = "its body could not be read from disk";
  make_buried(all, at);
  if (client.by_id) return tell(all, client, event::kind::not_found);

  auto answer = reserve(all, client, client.wanted, client.wait_until, place::first);
  switch (answer.status) {
    case reserve_status::reserved:
      return tell_granted(all, client, std::move(answer.job));
    case reserve_status::deadline_soon:
      return tell(all, client, event::kind::deadline_soon);
    case reserve_status::waiting:
      return;
    default:
      return tell(all, client, event::kind::timed_out);
  }
}

bool stop_waiting(core& all, session& client) {
  if (!client.waits) return false;
  client.waits = false;
  for (std::size_t i = 0; i < client.watched.size(); ++i) {
    all.queues[queue_table::place_of(client.watched[i])].waiting.leave(client.waits_at[i]);
  }
  all.due.clear(client.timeout);
  return true;
}

void begin_deadline_soon(core& all, slot at) {
  job& record = all.jobs[at];
  session& holder = all.sessions[record.holder];
  record.deadline_soon = true;
  ++holder.held_deadline_soon;
  const instant end = saturating_add(all.due.due_of(record.link[2]), all.limits.lease_margin);
  all.due.set(record.link[2], end, {due_kind::lease_end, record.id.value()});
  if (stop_waiting(all, holder)) tell(all, holder, event::kind::deadline_soon);
}

void give_up_waiting(core& all, session& client) {
  stop_waiting(all, client);
  tell(all, client, event::kind::timed_out);
}

void expire_lease(core& all, slot at) {
  ++all.jobs.history_of(at).timeouts;
  all.queue_of(all.jobs[at]).counts.ttr_expired.add();
  all.ttr_expired.add();
  make_ready(all, at);
}

}  // namespace millrace::engine
