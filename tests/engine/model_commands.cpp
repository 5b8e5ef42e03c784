#include <algorithm>
#include <cassert>

#include "engine/model.hpp"

namespace millrace::engine::testing {

void model::enter(its_job& it, job_state state) {
  it.state = state;
  it.entered = now;
  it.order = ++last_order;
  it.due = state == job_state::delayed ? after(now, it.delay) : never;
}

void model::leave(its_job& it) {
  forget_finish(it.id);
  it.holder = {};
  it.in_margin = false;
}

std::shared_ptr<const job_details> model::details_of(const its_job& it) {
  return it.details == job_details{} ? nullptr : std::make_shared<const job_details>(it.details);
}

bool model::is_recorded(const its_job& it) {
  return it.recorded || queue(it.queue).options.durability != durability::memory;
}

void model::record_move(const its_job& it, move_of move) {
  changes.emplace_back(job_moved{
      .job = it.id,
      .queue = it.queue,
      .state = move.to,
      .priority = it.priority,
      .delay = it.delay,
      .due = move.to == job_state::delayed ? it.due : instant{},
      .tally = {it.reserves, it.timeouts, it.releases, it.buries, it.kicks, it.failures, it.interruptions, it.laters},
      .error_text = it.error_text,
      .handed_out = move.handed_out,
      .details = details_of(it),
      .left = move.left});
}

void model::make_ready(job_id which) {
  its_job& it = *job(which);
  if (it.expires_at() <= now) return void(expire(which));
  leave(it);
  enter(it, job_state::ready);
  record_move(it, {.to = job_state::ready});
  offer(it.queue);
}

void model::start_lease(its_job& it) {
  it.due = after(now, it.ttr);
  it.in_margin = limits.lease_margin > duration::zero() && it.due - limits.lease_margin <= now;
}

reserved_job model::make_reserved(its_job& it, its_session& who, lease how) {
  its_queue& from = queue(it.queue);
  const bool was_ready = it.state == job_state::ready;
  const instant since = was_ready ? it.entered : now;
  if (was_ready) timings(from).wait.observe(now - since);
  if (!was_ready) record_move(it, {.to = job_state::reserved});
  enter(it, job_state::reserved);
  it.holder = who.id;
  if (how == lease::ttr) start_lease(it);
  ++it.reserves;
  from.counts.reserved.add();
  const bool in_processes = !from.options.deliveries_max && who.kind == session_kind::other_processes;
  if ((from.options.deliveries_max > 0 || in_processes) && is_recorded(it))
    record_move(it, {.to = job_state::reserved, .handed_out = true});
  return {it.id, it.queue, body{it.text}, it.reserves, it.priority, it.put_at, since, bool{it.details.group}};
}

void model::end_job(job_id which, outcome result, const std::string& result_text) {
  its_job& it = *job(which);
  const queue_id from = it.queue;
  note_end(it, result, result == outcome::ok ? result_text : it.error_text);
  queue(from).counts.finished[static_cast<std::size_t>(result)].add();
  leave(it);
  changes.emplace_back(job_gone{which, from});
  std::erase_if(jobs, [&](const its_job& each) { return each.id == which; });
  mark_unsettled(from);
}

model::its_row* model::row_of(std::string_view name) {
  const auto found = std::ranges::find(rows, name, &its_row::name);
  return found == rows.end() ? nullptr : &*found;
}

model::its_queue* model::find_or_add(std::string_view name, queue_id fresh) {
  for (auto& it : queues) {
    if (it.name == name) return &it;
  }
  if (queues.size() >= limits.queues_max) return nullptr;
  its_queue added;
  added.id = fresh;
  added.name = name;
  added.options = defaults;
  std::erase_if(rows, [&](const its_row& each) { return !is_shown(each); });
  its_row* row = row_of(name);
  if (row == nullptr && rows.size() < limits.queue_rows_max) {
    row = &rows.emplace_back();
    row->name = name;
  }
  added.has_row = row != nullptr;
  if (row != nullptr) row->queue = fresh;
  queues.push_back(added);
  return &queues.back();
}

bool model::declare(std::string_view name, const queue_options& options, queue_id fresh) {
  its_queue* const it = find_or_add(name, fresh);
  if (it == nullptr) return false;
  it->declared = true;
  it->options = options;
  mark_unsettled(it->id);
  settle();
  return true;
}

bool model::use(session_id who, std::string_view name, queue_id fresh) {
  const its_queue* const it = find_or_add(name, fresh);
  if (it == nullptr) return false;
  const queue_id before = std::exchange(session(who).uses, it->id);
  if (before && before != it->id) mark_unsettled(before);
  settle();
  return true;
}

std::optional<std::size_t> model::watch(session_id who, std::string_view name, queue_id fresh) {
  auto& watched = session(who).watched;
  const its_queue* it = find(name);
  if (it != nullptr && std::ranges::count(watched, it->id) > 0) return watched.size();
  if (watched.size() >= limits.watched_queues_max) return std::nullopt;
  it = find_or_add(name, fresh);
  if (it == nullptr) return std::nullopt;
  watched.push_back(it->id);
  return watched.size();
}

std::optional<std::size_t> model::ignore(session_id who, std::string_view name) {
  auto& watched = session(who).watched;
  const its_queue* const it = find(name);
  if (it == nullptr || std::ranges::count(watched, it->id) == 0) return watched.size();
  if (watched.size() == 1) return std::nullopt;
  std::erase(watched, it->id);
  mark_unsettled(it->id);
  settle();
  return watched.size();
}

bool model::close_session(session_id who, instant at, session_end end) {
  begin(at);
  its_session& it = session(who);
  if (!it.closing) {
    for (auto& each : groups) {
      if (each.owner == who && !each.closed) set_closed(each);
    }
    it.closing = true;
    it.waits = false;
    leave_line(who);
    if (const auto before = std::exchange(it.uses, queue_id{})) mark_unsettled(before);
    for (const queue_id each : std::exchange(it.watched, {})) mark_unsettled(each);
  }
  const auto longest_held = [&]() -> its_job* {
    its_job* found = nullptr;
    for (auto& each : jobs) {
      if (each.holder == who && (found == nullptr || each.order < found->order)) found = &each;
    }
    return found;
  };
  for (std::size_t left = 1'000; left > 0; --left) {
    const its_job* const next = longest_held();
    if (next == nullptr) break;
    if (end == session_end::lost)
      interrupt(next->id);
    else
      make_ready(next->id);
  }
  const bool gone = longest_held() == nullptr;
  if (gone) std::erase_if(sessions, [&](const its_session& each) { return each.id == who; });
  settle();
  return gone;
}

bool model::pause(queue_id which, duration length, instant at) {
  begin(at);
  if (!has_queue(which)) return false;
  its_queue& it = queue(which);
  it.counts.pauses.add();
  const bool was_paused = it.paused_until != no_pause;
  if (length > duration::zero()) {
    it.paused_for = length;
    it.paused_until = after(now, length);
    changes.emplace_back(queue_paused{which, it.paused_until, length});
  } else {
    changes.emplace_back(queue_paused{which, no_pause, {}});
    if (was_paused) {
      it.paused_until = now;
      serve_after_pause(which, 1'000);
    }
  }
  settle();
  return true;
}

reserve_answer model::reserve(session_id who, lease how, instant until, instant at) {
  begin(at);
  its_session& it = session(who);
  const its_job* best = nullptr;
  for (const queue_id each : it.watched) {
    if (queue(each).paused_until != no_pause) continue;
    const its_job* const here = first(each, job_state::ready);
    if (here == nullptr) continue;
    if (best == nullptr || std::pair{here->priority, here->id} < std::pair{best->priority, best->id}) best = here;
  }
  if (best != nullptr) return {reserve_status::reserved, make_reserved(*job(best->id), it, how)};
  const auto warned = [&](const its_job& each) { return each.holder == who && each.in_margin; };
  if (std::ranges::any_of(jobs, warned)) return {reserve_status::deadline_soon, {}};
  if (until <= now) return {reserve_status::timed_out, {}};
  it.waits = true;
  it.since = ++last_wait;
  it.wanted = how;
  it.until = until;
  return {reserve_status::waiting, {}};
}

reserve_answer model::reserve_job(session_id who, job_id which, instant at) {
  begin(at);
  its_job* const it = job(which);
  if (it == nullptr || it->state == job_state::reserved) return {reserve_status::not_found, {}};
  return {reserve_status::reserved, make_reserved(*it, session(who), lease::ttr)};
}

bool model::withdraw_reserve(session_id who) { return std::exchange(session(who).waits, false); }

bool model::erase(session_id who, job_id which, instant at) {
  begin(at);
  its_job* const it = job(which);
  if (it == nullptr || (it->state == job_state::reserved && it->holder != who)) return false;
  if (it->state == job_state::reserved) observe_done(*it);
  erase_one(which);
  settle();
  return true;
}

bool model::release(session_id who, job_id which, priority urgency, duration delay, instant at) {
  begin(at);
  its_job* const it = held(who, which);
  if (it == nullptr) return false;
  it->priority = urgency;
  it->delay = delay;
  ++it->releases;
  queue(it->queue).counts.released.add();
  if (delay == duration::zero()) {
    make_ready(which);
  } else {
    make_delayed(which);
  }
  settle();
  return true;
}

bool model::bury(session_id who, job_id which, priority urgency, instant at) {
  begin(at);
  its_job* const it = held(who, which);
  if (it == nullptr) return false;
  it->priority = urgency;
  ++it->buries;
  it->details.cause = reason::client;
  queue(it->queue).counts.buried.add(reason::client);
  note_end(*it, outcome::failed, "its client buried it");
  leave(*it);
  enter(*it, job_state::buried);
  record_move(*it, {.to = job_state::buried});
  settle();
  return true;
}

bool model::touch(session_id who, job_id which, instant at) {
  begin(at);
  its_job* const it = held(who, which);
  if (it != nullptr && it->due != never) start_lease(*it);
  return it != nullptr;
}

void model::erase_one(job_id which) {
  queue(job(which)->queue).counts.deletes.add();
  end_job(which, outcome::deleted);
}

std::size_t model::purge(queue_id which, job_state state, instant entered_until, instant at) {
  begin(at);
  std::vector<std::pair<std::uint64_t, job_id>> chosen;
  for (const auto& it : jobs)
    if (it.queue == which && it.state == state && it.entered <= entered_until) chosen.emplace_back(it.order, it.id);
  std::ranges::sort(chosen);
  if (chosen.size() > 1'000) chosen.resize(1'000);
  for (const auto& [order, id] : chosen) erase_one(id);
  settle();
  return chosen.size();
}

void model::kick_one(job_id which) {
  its_job& it = *job(which);
  ++it.kicks;
  queue(it.queue).counts.kicked.add();
  if (it.expires_at() <= now && expire(which) != finish_status::buried) return;
  make_ready(which);
}

std::size_t model::kick(queue_id which, std::size_t bound, engine::kick_from& from, instant at) {
  begin(at);
  if (!has_queue(which)) return 0;
  if (from == engine::kick_from::undecided) {
    from = first(which, job_state::buried) != nullptr ? engine::kick_from::buried : engine::kick_from::delayed;
  }
  const auto state = from == engine::kick_from::buried ? job_state::buried : job_state::delayed;
  std::size_t kicked = 0;
  while (kicked < bound && kicked < 1'000 && first(which, state) != nullptr) {
    kick_one(first(which, state)->id);
    ++kicked;
  }
  settle();
  return kicked;
}

bool model::kick_job(job_id which, instant at) {
  begin(at);
  const its_job* const it = job(which);
  if (it == nullptr || (it->state != job_state::buried && it->state != job_state::delayed)) return false;
  kick_one(which);
  settle();
  return true;
}

}  // namespace millrace::engine::testing
