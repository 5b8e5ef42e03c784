#include <algorithm>
#include <cassert>

#include "engine/model.hpp"

namespace millrace::engine::testing {

void model::enter_state(model_job& job, job_state state) {
  job.state = state;
  job.entered = now_;
  job.order = ++last_order_;
  job.due = state == job_state::delayed ? after(now_, job.delay) : never;
}

void model::leave_state(model_job& job) {
  forget_finish(job.id);
  job.holder = {};
  job.in_margin = false;
}

std::shared_ptr<const job_details> model::details_of(const model_job& job) {
  return job.details == job_details{} ? nullptr : std::make_shared<const job_details>(job.details);
}

bool model::is_recorded(const model_job& job) {
  return job.recorded || get_queue(job.queue).options.durability != durability::memory;
}

void model::record_move(const model_job& job, move_details details) {
  changes.emplace_back(job_moved{.job = job.id,
                                 .queue = job.queue,
                                 .state = details.to,
                                 .priority = job.priority,
                                 .delay = job.delay,
                                 .due = details.to == job_state::delayed ? job.due : instant{},
                                 .tally = {job.reserves, job.timeouts, job.releases, job.buries, job.kicks,
                                           job.failures, job.interruptions, job.laters},
                                 .error_text = job.error_text,
                                 .handed_out = details.handed_out,
                                 .details = details_of(job),
                                 .from = details.from});
}

void model::make_ready(job_id id) {
  model_job& job = *find_job(id);
  if (job.expires_at() <= now_) return void(expire(id));
  leave_state(job);
  enter_state(job, job_state::ready);
  record_move(job, {.to = job_state::ready});
  offer_ready_job(job.queue);
}

void model::start_lease(model_job& job) {
  job.due = after(now_, job.ttr);
  job.in_margin = limits.lease_margin > duration::zero() && job.due - limits.lease_margin <= now_;
}

reserved_job model::make_reserved(model_job& job, model_session& session, lease lease_kind) {
  model_queue& queue = get_queue(job.queue);
  const bool was_ready = job.state == job_state::ready;
  const instant since = was_ready ? job.entered : now_;
  if (was_ready) timings_of(queue).wait.observe(now_ - since);
  if (!was_ready) record_move(job, {.to = job_state::reserved});
  enter_state(job, job_state::reserved);
  job.holder = session.id;
  if (lease_kind == lease::ttr) start_lease(job);
  ++job.reserves;
  queue.counts.reserved.add();
  const bool in_processes = !queue.options.deliveries_max && session.kind == session_kind::other_processes;
  if ((queue.options.deliveries_max > 0 || in_processes) && is_recorded(job))
    record_move(job, {.to = job_state::reserved, .handed_out = true});
  return {job.id, job.queue, body{job.text}, job.reserves, job.priority, job.put_at, since, bool{job.details.group}};
}

void model::end_job(job_id id, outcome result, const std::string& result_text) {
  model_job& job = *find_job(id);
  const queue_id from = job.queue;
  record_job_end(job, result, result == outcome::ok ? result_text : job.error_text);
  get_queue(from).counts.finished[static_cast<std::size_t>(result)].add();
  leave_state(job);
  changes.emplace_back(job_gone{id, from});
  std::erase_if(jobs, [&](const model_job& each) { return each.id == id; });
  mark_for_update(from);
}

model_row* model::find_row(std::string_view name) {
  const auto found = std::ranges::find(rows, name, &model_row::name);
  return found == rows.end() ? nullptr : &*found;
}

model_queue* model::find_or_add_queue(std::string_view name, queue_id new_queue) {
  for (auto& queue : queues) {
    if (queue.name == name) return &queue;
  }
  if (queues.size() >= limits.queues_max) return nullptr;
  model_queue added;
  added.id = new_queue;
  added.name = name;
  added.options = defaults;
  std::erase_if(rows, [&](const model_row& row) { return !is_shown(row); });
  model_row* row = find_row(name);
  if (row == nullptr && rows.size() < limits.queue_rows_max) {
    row = &rows.emplace_back();
    row->name = name;
  }
  added.has_row = row != nullptr;
  if (row != nullptr) row->queue = new_queue;
  queues.push_back(added);
  return &queues.back();
}

bool model::declare(std::string_view name, const queue_options& options, queue_id new_queue) {
  model_queue* const queue = find_or_add_queue(name, new_queue);
  if (queue == nullptr) return false;
  queue->declared = true;
  queue->options = options;
  mark_for_update(queue->id);
  end_command();
  return true;
}

bool model::use(session_id session, std::string_view name, queue_id new_queue) {
  const model_queue* const queue = find_or_add_queue(name, new_queue);
  if (queue == nullptr) return false;
  const queue_id old = std::exchange(get_session(session).used, queue->id);
  if (old && old != queue->id) mark_for_update(old);
  end_command();
  return true;
}

std::optional<std::size_t> model::watch(session_id session, std::string_view name, queue_id new_queue) {
  auto& watched = get_session(session).watched;
  const model_queue* queue = find_queue(name);
  if (queue != nullptr && std::ranges::count(watched, queue->id) > 0) return watched.size();
  if (watched.size() >= limits.watched_queues_max) return std::nullopt;
  queue = find_or_add_queue(name, new_queue);
  if (queue == nullptr) return std::nullopt;
  watched.push_back(queue->id);
  return watched.size();
}

std::optional<std::size_t> model::ignore(session_id session, std::string_view name) {
  auto& watched = get_session(session).watched;
  const model_queue* const queue = find_queue(name);
  if (queue == nullptr || std::ranges::count(watched, queue->id) == 0) return watched.size();
  if (watched.size() == 1) return std::nullopt;
  std::erase(watched, queue->id);
  mark_for_update(queue->id);
  end_command();
  return watched.size();
}

bool model::close_session(session_id id, instant now, session_end end) {
  begin_command(now);
  model_session& session = get_session(id);
  if (!session.closing) {
    for (auto& group : groups) {
      if (group.owner == id && !group.closed) set_closed(group);
    }
    session.closing = true;
    session.waits = false;
    remove_waiting_put(id);
    if (const auto used = std::exchange(session.used, queue_id{})) mark_for_update(used);
    for (const queue_id watched : std::exchange(session.watched, {})) mark_for_update(watched);
  }
  const auto find_longest_held = [&]() -> model_job* {
    model_job* found = nullptr;
    for (auto& job : jobs) {
      if (job.holder == id && (found == nullptr || job.order < found->order)) found = &job;
    }
    return found;
  };
  for (std::size_t left = 1'000; left > 0; --left) {
    const model_job* const job = find_longest_held();
    if (job == nullptr) break;
    if (end == session_end::lost)
      interrupt(job->id);
    else
      make_ready(job->id);
  }
  const bool is_closed = find_longest_held() == nullptr;
  if (is_closed) std::erase_if(sessions, [&](const model_session& each) { return each.id == id; });
  end_command();
  return is_closed;
}

bool model::pause(queue_id id, duration length, instant now) {
  begin_command(now);
  if (!has_queue(id)) return false;
  model_queue& queue = get_queue(id);
  queue.counts.pauses.add();
  const bool was_paused = queue.paused_until != no_pause;
  if (length > duration::zero()) {
    queue.paused_for = length;
    queue.paused_until = after(now_, length);
    changes.emplace_back(queue_paused{id, queue.paused_until, length});
  } else {
    changes.emplace_back(queue_paused{id, no_pause, {}});
    if (was_paused) {
      queue.paused_until = now_;
      end_pause(id, 1'000);
    }
  }
  end_command();
  return true;
}

reserve_answer model::reserve(session_id id, lease lease_kind, instant wait_until, instant now) {
  begin_command(now);
  model_session& session = get_session(id);
  const model_job* best = nullptr;
  for (const queue_id queue : session.watched) {
    if (get_queue(queue).paused_until != no_pause) continue;
    const model_job* const job = first_job(queue, job_state::ready);
    if (job == nullptr) continue;
    if (best == nullptr || std::pair{job->priority, job->id} < std::pair{best->priority, best->id}) best = job;
  }
  if (best != nullptr) return {reserve_status::reserved, make_reserved(*find_job(best->id), session, lease_kind)};
  const auto is_in_margin = [&](const model_job& job) { return job.holder == id && job.in_margin; };
  if (std::ranges::any_of(jobs, is_in_margin)) return {reserve_status::deadline_soon, {}};
  if (wait_until <= now_) return {reserve_status::timed_out, {}};
  session.waits = true;
  session.wait_order = ++last_wait_;
  session.lease_kind = lease_kind;
  session.wait_until = wait_until;
  return {reserve_status::waiting, {}};
}

reserve_answer model::reserve_job(session_id session, job_id id, instant now) {
  begin_command(now);
  model_job* const job = find_job(id);
  if (job == nullptr || job->state == job_state::reserved) return {reserve_status::not_found, {}};
  return {reserve_status::reserved, make_reserved(*job, get_session(session), lease::ttr)};
}

bool model::withdraw_reserve(session_id session) { return std::exchange(get_session(session).waits, false); }

bool model::erase(session_id session, job_id id, instant now) {
  begin_command(now);
  model_job* const job = find_job(id);
  if (job == nullptr || (job->state == job_state::reserved && job->holder != session)) return false;
  if (job->state == job_state::reserved) observe_done(*job);
  apply_erase(id);
  end_command();
  return true;
}

bool model::release(session_id session, job_id id, priority new_priority, duration delay, instant now) {
  begin_command(now);
  model_job* const job = find_held_job(session, id);
  if (job == nullptr) return false;
  job->priority = new_priority;
  job->delay = delay;
  ++job->releases;
  get_queue(job->queue).counts.released.add();
  if (delay == duration::zero()) {
    make_ready(id);
  } else {
    make_delayed(id);
  }
  end_command();
  return true;
}

bool model::bury(session_id session, job_id id, priority new_priority, instant now) {
  begin_command(now);
  model_job* const job = find_held_job(session, id);
  if (job == nullptr) return false;
  job->priority = new_priority;
  ++job->buries;
  job->details.cause = reason::client;
  get_queue(job->queue).counts.buried.add(reason::client);
  record_job_end(*job, outcome::failed, "its client buried it");
  leave_state(*job);
  enter_state(*job, job_state::buried);
  record_move(*job, {.to = job_state::buried});
  end_command();
  return true;
}

bool model::touch(session_id session, job_id id, instant now) {
  begin_command(now);
  model_job* const job = find_held_job(session, id);
  if (job != nullptr && job->due != never) start_lease(*job);
  return job != nullptr;
}

void model::apply_erase(job_id id) {
  get_queue(find_job(id)->queue).counts.deletes.add();
  end_job(id, outcome::deleted);
}

std::size_t model::purge(queue_id queue, job_state state, instant entered_until, instant now) {
  begin_command(now);
  std::vector<std::pair<std::uint64_t, job_id>> chosen;
  for (const auto& job : jobs) {
    if (job.queue != queue || job.state != state || job.entered > entered_until) continue;
    chosen.emplace_back(job.order, job.id);
  }
  std::ranges::sort(chosen);
  if (chosen.size() > 1'000) chosen.resize(1'000);
  for (const auto& [order, id] : chosen) apply_erase(id);
  end_command();
  return chosen.size();
}

void model::apply_kick(job_id id) {
  model_job& job = *find_job(id);
  ++job.kicks;
  get_queue(job.queue).counts.kicked.add();
  if (job.expires_at() <= now_ && expire(id) != finish_status::buried) return;
  make_ready(id);
}

std::size_t model::kick(queue_id queue, std::size_t bound, engine::kick_from& origin, instant now) {
  begin_command(now);
  if (!has_queue(queue)) return 0;
  if (origin == engine::kick_from::undecided) {
    origin = first_job(queue, job_state::buried) != nullptr ? engine::kick_from::buried : engine::kick_from::delayed;
  }
  const auto state = origin == engine::kick_from::buried ? job_state::buried : job_state::delayed;
  std::size_t kicked = 0;
  while (kicked < bound && kicked < 1'000 && first_job(queue, state) != nullptr) {
    apply_kick(first_job(queue, state)->id);
    ++kicked;
  }
  end_command();
  return kicked;
}

bool model::kick_job(job_id id, instant now) {
  begin_command(now);
  const model_job* const job = find_job(id);
  if (job == nullptr || (job->state != job_state::buried && job->state != job_state::delayed)) return false;
  apply_kick(id);
  end_command();
  return true;
}

}  // namespace millrace::engine::testing
