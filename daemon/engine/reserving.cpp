#include "engine/reserving.hpp"

#include <cassert>

#include "engine/bodies.hpp"
#include "engine/transitions.hpp"

namespace millrace::engine {

namespace {

enum class place { first, last };

void start_waiting(core& all, session& who, lease how, instant until, place where) {
  who.waits = true;
  who.wanted = how;
  who.waits_at.resize(who.watched.size());
  for (std::size_t i = 0; i < who.watched.size(); ++i) {
    who.waits_at[i].session = session_table::place_of(who);
    waiters& line = all.queues[queue_table::place_of(who.watched[i])].waiting;
    where == place::first ? line.join_first(who.waits_at[i]) : line.join(who.waits_at[i]);
  }
  if (until != never) all.due.set(who.timeout, until, {due_kind::reserve_timeout, who.id.value()});
}

void tell(core& all, const session& who, event::kind kind) {
  event told;
  told.what = kind;
  told.session = who.id;
  all.events.push_back(std::move(told));
}

reserve_answer got(std::optional<reserved_job>&& job) {
  if (!job) return {reserve_status::waiting, {}};
  return {reserve_status::reserved, std::move(*job)};
}

reserve_answer reserve(core& all, session& who, lease how, instant wait_until, place in_line) {
  assert(!who.waits && who.awaited == no_slot && who.put == nullptr);
  who.by_id = false;
  who.wait_until = wait_until;
  if (const slot best = best_ready(all, who); best != no_slot) return got(make_reserved(all, best, who, how));
  if (who.held_deadline_soon > 0) return {reserve_status::deadline_soon, {}};
  if (wait_until <= all.now) return {reserve_status::timed_out, {}};
  start_waiting(all, who, how, wait_until, in_line);
  return {reserve_status::waiting, {}};
}

}  // namespace

slot best_ready(const core& all, const session& who) noexcept {
  slot best = no_slot;
  for (const queue_id watched : who.watched) {
    const queue& from = all.queues[queue_table::place_of(watched)];
    if (from.paused()) continue;
    const slot first = from.ready.first(all.jobs);
    if (first == no_slot) continue;
    if (best == no_slot || served_before{}(all.jobs[first], all.jobs[best])) best = first;
  }
  return best;
}

reserve_answer reserve(core& all, session& who, lease how, instant wait_until) {
  return reserve(all, who, how, wait_until, place::last);
}

reserve_answer reserve_job(core& all, session& who, job_id id) {
  const slot at = all.jobs.find(id);
  if (at == no_slot || all.jobs[at].state == job_state::reserved) return {reserve_status::not_found, {}};
  who.by_id = true;
  return got(make_reserved(all, at, who, lease::ttr));
}

bool stop_awaiting_body(core& all, session& who) {
  if (who.awaited == no_slot) return false;
  make_ready(all, who.awaited);
  return true;
}

void body_lost(core& all, slot at) {
  not_arrived(all, at);
  const job& it = all.jobs[at];
  if (it.state != job_state::reserved || all.sessions[it.holder].awaited != at) return;
  session& who = all.sessions[it.holder];
  all.queue_of(it).counts.buried[static_cast<std::size_t>(reason::io_error)].add();
  job_history& history = all.jobs.history_of(at);
  ++history.buries;
  history.error_text = "its body could not be read from disk";
  make_buried(all, at);
  if (who.by_id) return tell(all, who, event::kind::not_found);

  auto answer = reserve(all, who, who.wanted, who.wait_until, place::first);
  switch (answer.status) {
    case reserve_status::reserved:
      return tell_granted(all, who, std::move(answer.job));
    case reserve_status::deadline_soon:
      return tell(all, who, event::kind::deadline_soon);
    case reserve_status::waiting:
      return;
    default:
      return tell(all, who, event::kind::timed_out);
  }
}

bool stop_waiting(core& all, session& who) {
  if (!who.waits) return false;
  who.waits = false;
  for (std::size_t i = 0; i < who.watched.size(); ++i) {
    all.queues[queue_table::place_of(who.watched[i])].waiting.leave(who.waits_at[i]);
  }
  all.due.clear(who.timeout);
  return true;
}

void begin_deadline_soon(core& all, slot at) {
  job& it = all.jobs[at];
  session& holder = all.sessions[it.holder];
  it.deadline_soon = true;
  ++holder.held_deadline_soon;
  const instant end = saturating_add(all.due.due_of(it.link[2]), all.limits.lease_margin);
  all.due.set(it.link[2], end, {due_kind::lease_end, it.id.value()});
  if (stop_waiting(all, holder)) tell(all, holder, event::kind::deadline_soon);
}

void give_up_waiting(core& all, session& who) {
  stop_waiting(all, who);
  tell(all, who, event::kind::timed_out);
}

void expire_lease(core& all, slot at) {
  ++all.jobs.history_of(at).timeouts;
  all.queue_of(all.jobs[at]).counts.ttr_expired.add();
  all.ttr_expired.add();
  make_ready(all, at);
}

}  // namespace millrace::engine
