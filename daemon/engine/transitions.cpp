#include "engine/transitions.hpp"

#include <algorithm>
#include <cassert>

#include "engine/bodies.hpp"
#include "engine/expiry.hpp"
#include "engine/finish.hpp"
#include "engine/groups.hpp"
#include "engine/job_ends.hpp"
#include "engine/recording.hpp"
#include "engine/reserving.hpp"

namespace millrace::engine {

namespace {

slot& held_before(job& record) noexcept { return record.link[0]; }
slot& held_after(job& record) noexcept { return record.link[1]; }
deadlines::heap_position& lease_deadline(job& record) noexcept { return record.link[2]; }

queue_timings& timings_of(core& core, queue& target) {
  return target.row == queue_rows::none ? core.other_timings : core.rows.timings(target.row);
}

/// The queue's entry among the deadlines follows its soonest delayed job. Call when another job has become the first.
void follow_first_delayed(core& core, queue& of) {
  const slot first = of.delayed.first();
  if (first == no_slot) {
    core.due.clear(of.delay_end);
  } else {
    const job& record = core.jobs[first];
    core.due.set(of.delay_end, due_of(record), {due_kind::delay_end, record.id.value()});
  }
}

void clear_deadline_soon(core& core, job& record) noexcept {
  if (record.deadline_soon) --core.sessions[record.holder].held_deadline_soon;
  record.deadline_soon = false;
}

void let_go(core& core, slot at) {
  job& record = core.jobs[at];
  if (record.has_waiting_finish) forget_waiting_finish(core, at);
  clear_deadline_soon(core, record);
  core.due.clear(lease_deadline(record));
  session& holder = core.sessions[record.holder];
  if (holder.awaited == at) holder.awaited = no_slot;
  (held_before(record) == no_slot ? holder.held_first : held_after(core.jobs[held_before(record)])) =
      held_after(record);
  (held_after(record) == no_slot ? holder.held_last : held_before(core.jobs[held_after(record)])) = held_before(record);
  record.link = {};
  record.holder = no_slot;
  record.leased = false;
}

void leave_state(core& core, slot at, const job& record, queue& owner) {
  if (record.pinned) core.walks.leave(core.jobs, at);
  const bool was_first = record.state == job_state::delayed && owner.delayed.first() == at;
  owner.leave(core.jobs, at);
  if (record.expires) end_expiry(core, at);
  --core.jobs_in[static_cast<std::size_t>(record.state)];
  if (record.state == job_state::ready && record.priority < urgent_below) --core.urgent;
  if (record.state == job_state::reserved) let_go(core, at);
  if (was_first) follow_first_delayed(core, owner);
}

void enter_state(core& core, slot at, const job& record, queue& owner, job_state state, instant since) {
  owner.enter(core.jobs, at, state, since);
  ++core.jobs_in[static_cast<std::size_t>(state)];
  if (state == job_state::ready && record.priority < urgent_below) ++core.urgent;
  if (core.observer != nullptr) core.observer->on_state(record.id, owner.id, state);
  const bool may_expire = state == job_state::ready || state == job_state::delayed;
  if (may_expire && record.expires) begin_expiry(core, at);
  if (state == job_state::delayed && owner.delayed.first() == at) follow_first_delayed(core, owner);
}

void change_state(core& core, slot at, const job& record, queue& owner, job_state to) {
  assert(may_become(record.state, to));
  leave_state(core, at, record, owner);
  enter_state(core, at, record, owner, to, core.now);
}

/// When a restored job entered its state. A store does not keep that time, but for many jobs it follows from the put.
instant entry_of(const kept_job& job, instant now) noexcept {
  switch (job.state) {
    case job_state::delayed:
      return saturating_subtract(job.due, std::max(job.request.delay, duration::zero()));
    case job_state::ready:
      if (job.tally == job_tally{}) return std::min(now, after(job.put_at, job.request.delay));
      return now;
    default:
      return now;
  }
}

void restore_history(core& core, slot at, kept_job& kept) {
  job_tally tally = kept.tally;
  tally.reserves = 0;
  if (tally == job_tally{} && kept.error_text.empty() && kept.details == nullptr) return;
  job_history& history = core.jobs.history_of(at);
  static_cast<job_tally&>(history) = tally;
  history.error_text = std::move(kept.error_text);
  if (kept.details != nullptr) history.details = *kept.details;
  if (history.details.group) restore_member(core, core.queue_of(core.jobs[at]), kept.job, history.details);
  core.jobs[at].in_group = bool{history.details.group};
  core.jobs[at].expires = history.details.expires_at != never;
}

void offer(core& core, queue& origin) {
  if (!origin.waiting.empty() && !origin.paused()) grant_first(core, origin);
}

/// Whether the store has to know that the job is handed out: if the program dies, that was an interruption.
bool counts_hand_outs(const core& core, const job& record, const queue& owner) noexcept {
  const auto& limit = owner.options.deliveries_max;
  const bool is_limited = limit ? *limit != 0 : core.sessions[record.holder].kind == session_kind::other_processes;
  return is_limited && is_recorded(record, owner);
}

/// `ready_since`: `never` if the job was not ready when it was reserved. Counts the wait here and not in
/// `make_reserved`: a job can be cancelled or given back while its body is on its way.
reserved_job hand_over(core& core, slot at, job& record, queue& origin, lease lease_kind, instant ready_since) {
  const instant reserved_at = record.entered_at;
  if (ready_since == never) {
    ready_since = reserved_at;
  } else {
    timings_of(core, origin).wait.observe(age(ready_since, reserved_at));
  }
  record.leased = lease_kind == lease::ttr;
  if (record.leased) start_lease(core, at);
  ++record.reserves;
  origin.counts.reserved.add();
  if (counts_hand_outs(core, record, origin)) record_move(core, at, {.to = job_state::reserved, .handed_out = true});
  return {record.id,     origin.id,   record.content.content(), record.reserves, record.priority,
          record.put_at, ready_since, record.in_group};
}

}  // namespace

job_id put_job(core& core, queue& into, put_request&& request) {
  assert(core.ids_left() > 0);
  const job_id id{++core.last_job};
  const slot at = core.jobs.add(id);
  job& record = core.jobs[at];
  const auto state = request.delay > duration::zero() ? job_state::delayed : job_state::ready;
  record.queue = queue_table::slot_of(into);
  record.priority = request.priority;
  record.ttr = std::max(request.ttr, ttr_min);
  record.delay = std::max(request.delay, duration::zero());
  record.put_at = core.now;
  if (const auto length = request.expire_after ? request.expire_after : into.options.expire_after) {
    core.jobs.history_of(at).details.expires_at = after(core.now, std::max(*length, expire_after_min));
    record.expires = true;
  }
  const group_id group = request.group;
  const bool is_late = group && !join_group(core, at, request) && cancels_late_members(core, group);
  record_put(core, at, state, request.content, state == job_state::delayed ? after(core.now, record.delay) : instant{});
  record.content = std::move(request.content);
  begin_counting(core, at);
  into.counts.puts.add();
  core.puts.add();
  enter_state(core, at, record, into, state, core.now);
  if (is_late) {
    cancel_job(core, at);
  } else if (state == job_state::ready) {
    offer(core, into);
  }
  return id;
}

void move_job(core& core, slot at, queue& to, job_state state) {
  job& record = core.jobs[at];
  queue& from = core.queue_of(record);
  assert(&from != &to && state != job_state::reserved);
  record.recorded = is_recorded(record, from);
  ++core.departures;
  leave_state(core, at, record, from);
  end_counting(core, at);
  record.queue = queue_table::slot_of(to);
  begin_counting(core, at);
  to.counts.puts.add();
  core.puts.add();
  enter_state(core, at, record, to, state, core.now);
  const auto due = state == job_state::delayed ? due_of(record) : instant{};
  if (!record.recorded && to.options.durability != durability::memory) {
    record_put(core, at, state, record.content.content(), due);
  } else {
    record_move(core, at, {.to = state, .due = due, .from = from.id});
  }
  if (state == job_state::ready) offer(core, to);
  evict_if_above_mark(core, at);
  mark_for_update(core, from);
}

void restore_job(core& core, queue& into, kept_job&& kept) {
  const slot at = core.jobs.add(kept.job);
  job& record = core.jobs[at];
  record.queue = queue_table::slot_of(into);
  record.priority = kept.request.priority;
  record.ttr = std::max(kept.request.ttr, ttr_min);
  record.delay = std::max(kept.request.delay, duration::zero());
  record.put_at = kept.put_at;
  record.on_disk = true;
  record.content =
      kept.bytes_on_disk ? job_body::on_disk(*kept.bytes_on_disk) : job_body{std::move(kept.request.content)};
  begin_counting(core, at);
  if (kept.read_at_start && kept.bytes_on_disk) request_body(core, at);
  record.reserves = kept.tally.reserves;
  restore_history(core, at, kept);
  core.last_job = std::max(core.last_job, kept.job.value());
  const instant since = entry_of(kept, core.now);
  const slot last = into.at(kept.state).last;
  if (last != no_slot && since < core.jobs[last].entered_at) into.unsorted = true;
  enter_state(core, at, record, into, kept.state, since);
}

void make_ready(core& core, slot at) {
  if (is_expired(core, at)) return void(expire(core, at));
  const job& record = core.jobs[at];
  queue& owner = core.queue_of(record);
  change_state(core, at, record, owner, job_state::ready);
  record_move(core, at, {.to = job_state::ready});
  offer(core, owner);
  evict_if_above_mark(core, at);
}

void make_delayed(core& core, slot at, duration delay) {
  if (is_expired(core, at)) return void(expire(core, at));
  job& record = core.jobs[at];
  queue& owner = core.queue_of(record);
  record.delay = delay;
  change_state(core, at, record, owner, job_state::delayed);
  record_move(core, at, {.to = job_state::delayed, .due = due_of(record)});
  evict_if_above_mark(core, at);
}

void make_buried(core& core, slot at) {
  const job& record = core.jobs[at];
  ++core.departures;
  change_state(core, at, record, core.queue_of(record), job_state::buried);
  record_move(core, at, {.to = job_state::buried});
  evict_if_above_mark(core, at);
}

std::optional<reserved_job> make_reserved(core& core, slot at, session& holder, lease lease_kind) {
  job& record = core.jobs[at];
  queue& origin = core.queue_of(record);
  auto ready_since = never;
  if (record.state == job_state::ready) {
    ready_since = record.entered_at;
  } else {
    // A ready job that is reserved would come back as ready anyway; this one would not.
    record_move(core, at, {.to = job_state::reserved});
  }
  change_state(core, at, record, origin, job_state::reserved);

  record.holder = session_table::slot_of(holder);
  record.link = {holder.held_last, no_slot, 0};
  (holder.held_last == no_slot ? holder.held_first : held_after(core.jobs[holder.held_last])) = at;
  holder.held_last = at;

  const bool is_here = record.content.in_memory();
  if (!is_here) {
    holder.awaited = at;
    holder.awaited_since = ready_since;
    holder.wanted = lease_kind;
    request_body(core, at);
  }
  read_ahead(core, origin);
  if (!is_here) return std::nullopt;
  return hand_over(core, at, record, origin, lease_kind, ready_since);
}

void body_loaded(core& core, slot at, body&& content) {
  body_read(core, at, std::move(content));
  job& record = core.jobs[at];
  if (record.state != job_state::reserved) return;
  session& holder = core.sessions[record.holder];
  if (holder.awaited != at) return;
  holder.awaited = no_slot;
  tell_granted(core, holder, hand_over(core, at, record, core.queue_of(record), holder.wanted, holder.awaited_since));
}

void remove_job(core& core, slot at) {
  const job& record = core.jobs[at];
  queue& owner = core.queue_of(record);
  if (core.observer != nullptr) core.observer->on_state(record.id, owner.id, std::nullopt);
  ++core.departures;
  leave_state(core, at, record, owner);
  end_counting(core, at);
  record_end(core, at);
  core.jobs.remove(at);
  mark_for_update(core, owner);
}

void start_lease(core& core, slot at) {
  job& record = core.jobs[at];
  clear_deadline_soon(core, record);
  const instant end = after(core.now, record.ttr);
  const duration margin = core.limits.lease_margin;
  const instant margin_begin = saturating_subtract(end, margin);
  if (margin > duration::zero() && margin_begin > core.now) {
    core.due.set(lease_deadline(record), margin_begin, {due_kind::deadline_soon, record.id.value()});
    return;
  }
  core.due.set(lease_deadline(record), end, {due_kind::lease_end, record.id.value()});
  if (margin > duration::zero()) {
    record.deadline_soon = true;
    ++core.sessions[record.holder].held_deadline_soon;
  }
}

void observe_attempt(core& core, slot at) {
  const job& record = core.jobs[at];
  timings_of(core, core.queue_of(record)).service.observe(age(record.entered_at, core.now));
}

void observe_done(core& core, slot at) {
  const job& record = core.jobs[at];
  queue_timings& times = timings_of(core, core.queue_of(record));
  times.service.observe(age(record.entered_at, core.now));
  times.end_to_end.observe(age(record.put_at, core.now));
}

void tell_granted(core& core, const session& client, reserved_job&& job) {
  event granted;
  granted.type = event::kind::granted;
  granted.session = client.id;
  granted.job = std::move(job);
  core.events.push_back(std::move(granted));
}

void grant_first(core& core, queue& origin) {
  session& waiting = core.sessions[origin.waiting.first()];
  const slot at = origin.ready.first(core.jobs);
  stop_waiting(core, waiting);
  if (auto got = make_reserved(core, at, waiting, waiting.wanted)) tell_granted(core, waiting, std::move(*got));
}

}  // namespace millrace::engine
