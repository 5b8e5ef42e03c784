// Time, order and queries. Commands: model_commands.cpp. Full queues: model_capacity.cpp.
#include "engine/model.hpp"

#include <algorithm>
#include <cassert>

namespace millrace::engine::testing {

model_job* model::find_job(job_id id) {
  for (auto& job : jobs) {
    if (job.id == id) return &job;
  }
  return nullptr;
}

model_queue& model::get_queue(queue_id id) {
  for (auto& queue : queues) {
    if (queue.id == id) return queue;
  }
  assert(false);
  return queues.front();
}

bool model::has_queue(queue_id id) const { return std::ranges::count(queues, id, &model_queue::id) > 0; }

model_session& model::get_session(session_id id) {
  for (auto& session : sessions) {
    if (session.id == id) return session;
  }
  assert(false);
  return sessions.front();
}

model_job* model::find_held_job(session_id session, job_id id) {
  model_job* const job = find_job(id);
  return job != nullptr && job->state == job_state::reserved && job->holder == session ? job : nullptr;
}

const model_queue* model::find_queue(std::string_view name) const {
  for (const auto& queue : queues) {
    if (queue.name == name) return &queue;
  }
  return nullptr;
}

bool model::has_capacity_waiters(queue_id queue) const {
  return std::ranges::count(capacity_waiters, queue, &capacity_waiter::queue) > 0;
}

bool model::is_idle(const model_queue& queue) const {
  const bool is_in_use = std::ranges::any_of(sessions, [&](const model_session& session) {
    return session.used == queue.id || std::ranges::count(session.watched, queue.id) > 0;
  });
  const bool has_jobs = std::ranges::count(jobs, queue.id, &model_job::queue) > 0;
  return !queue.declared && !is_in_use && !has_jobs && !has_capacity_waiters(queue.id);
}

const model_job* model::first_job(queue_id queue, job_state state) const {
  const auto comes_before = [state](const model_job& left, const model_job& right) {
    if (state == job_state::ready && left.priority != right.priority) return left.priority < right.priority;
    if (state == job_state::delayed && left.due != right.due) return left.due < right.due;
    if (state == job_state::buried || state == job_state::reserved) return left.order < right.order;
    return left.id < right.id;
  };
  const model_job* first = nullptr;
  for (const auto& job : jobs) {
    if (job.queue != queue || job.state != state) continue;
    if (first == nullptr || comes_before(job, *first)) first = &job;
  }
  return first;
}

queue_levels model::levels(queue_id id) const {
  queue_levels levels;
  for (const auto& job : jobs) {
    if (job.queue != id) continue;
    const auto add = [&](std::uint64_t& number, std::uint64_t& size, instant& oldest) {
      ++number;
      size += job.text.size();
      oldest = std::min(oldest, job.entered);
    };
    switch (job.state) {
      case job_state::ready:
        add(levels.ready, levels.ready_bytes, levels.oldest_ready);
        break;
      case job_state::reserved:
        add(levels.reserved, levels.reserved_bytes, levels.oldest_reserved);
        break;
      case job_state::delayed:
        add(levels.delayed, levels.delayed_bytes, levels.oldest_delayed);
        break;
      case job_state::buried:
        add(levels.buried, levels.buried_bytes, levels.oldest_buried);
        break;
    }
    if (job.state == job_state::ready && job.priority < 1024) ++levels.urgent;
  }
  for (const auto& session : sessions) {
    if (session.used == id) ++levels.using_sessions;
    if (std::ranges::count(session.watched, id) == 0) continue;
    ++levels.watching_sessions;
    if (session.waits) ++levels.waiting_sessions;
  }
  levels.waiting_puts = static_cast<std::uint32_t>(std::ranges::count(capacity_waiters, id, &capacity_waiter::queue));
  for (const auto& queue : queues) {
    if (queue.id == id) levels.paused_for = queue.paused_for, levels.paused_until = queue.paused_until;
  }
  return levels;
}

model::due_step model::next_step() const {
  using kind = due_step::kind;
  due_step next;
  const auto consider = [&next](instant time, kind type, std::uint64_t id) {
    const due_step step{time, type, id};
    if (time != never && step < next) next = step;
  };
  for (const auto& job : jobs) {
    const std::uint64_t id = job.id.value();
    if (job.state == job_state::delayed) consider(job.due, kind::delay_end, id);
    if (job.state == job_state::delayed || job.state == job_state::ready) consider(job.expires_at(), kind::expiry, id);
    if (job.state != job_state::reserved || job.due == never) continue;
    if (limits.lease_margin > duration::zero() && !job.in_margin) {
      consider(job.due - limits.lease_margin, kind::lease_margin, id);
    } else {
      consider(job.due, kind::lease_end, id);
    }
  }
  for (const auto& queue : queues) {
    if (queue.paused_until != no_pause) consider(queue.paused_until, kind::pause_end, queue.id.value());
  }
  for (const auto& session : sessions) {
    if (session.waits) consider(session.wait_until, kind::wait_end, session.id.value());
  }
  for (const auto& group : groups) consider(step_time_of(group), kind::group, group.id.value());
  return next;
}

instant model::next_deadline() const { return next_step().time; }

void model::begin_command(instant now) {
  now_ = now;
  std::size_t left = 1'000;
  while (left > 0) {
    const due_step next = next_step();
    if (next.time == never || next.time > now_) break;
    left -= do_step(next, left);
  }
  end_command();
}

/// At most `most` jobs or members; answers how many.
std::size_t model::do_step(due_step step, std::size_t most) {
  const job_id id{step.id};
  switch (step.type) {
    case due_step::kind::expiry:
      expire(id);
      return 1;
    case due_step::kind::delay_end:
      make_ready(id);
      return 1;
    case due_step::kind::lease_end:
      ++find_job(id)->timeouts;
      get_queue(find_job(id)->queue).counts.ttr_expired.add();
      interrupt(id);
      return 1;
    case due_step::kind::pause_end:
      return std::max<std::size_t>(1, end_pause(queue_id{static_cast<std::uint32_t>(step.id)}, most));
    case due_step::kind::lease_margin: {
      find_job(id)->in_margin = true;
      model_session& holder = get_session(find_job(id)->holder);
      if (holder.waits) add_event(event::kind::deadline_soon, holder.id);
      holder.waits = false;
      return 1;
    }
    case due_step::kind::wait_end: {
      model_session& session = get_session(session_id{step.id});
      session.waits = false;
      add_event(event::kind::timed_out, session.id);
      return 1;
    }
    case due_step::kind::group:
      return do_group_step(group_id{step.id}, most);
  }
  return 1;
}

/// Gives the first ready job to the session that has waited longest; false if there is no such pair.
bool model::serve_next_session(queue_id queue) {
  const model_job* const first = first_job(queue, job_state::ready);
  model_session* longest = nullptr;
  for (auto& session : sessions) {
    if (!session.waits || std::ranges::count(session.watched, queue) == 0) continue;
    if (longest == nullptr || session.wait_order < longest->wait_order) longest = &session;
  }
  if (first == nullptr || longest == nullptr) return false;
  longest->waits = false;
  const auto reserved = make_reserved(*find_job(first->id), *longest, longest->lease_kind);
  add_event(event::kind::granted, longest->id);
  events.back().job = reserved;
  return true;
}

/// Serves at most `most` sessions; the queue stays paused while there is a session and a job left for it.
std::size_t model::end_pause(queue_id id, std::size_t most) {
  std::size_t served = 0;
  while (served < most && serve_next_session(id)) ++served;
  const bool has_waiting_session = std::ranges::any_of(sessions, [&](const model_session& session) {
    return session.waits && std::ranges::count(session.watched, id) > 0;
  });
  if (!has_waiting_session || first_job(id, job_state::ready) == nullptr) {
    get_queue(id).paused_until = no_pause;
    get_queue(id).paused_for = {};
  }
  return served;
}

void model::offer_ready_job(queue_id queue) {
  if (get_queue(queue).paused_until == no_pause) serve_next_session(queue);
}

void model::add_event(event::kind type, session_id session, job_id id, finish_status status) {
  event added;
  added.type = type;
  added.session = session;
  added.id = id;
  added.finish.status = status;
  events.push_back(added);
}

void model::observe_attempt(const model_job& job) {
  timings_of(get_queue(job.queue)).service.observe(now_ - job.entered);
}

void model::observe_done(const model_job& job) {
  observe_attempt(job);
  timings_of(get_queue(job.queue)).end_to_end.observe(now_ - job.put_at);
}

model_timings& model::timings_of(const model_queue& queue) {
  return queue.has_row ? find_row(queue.name)->timings : other_timings;
}

}  // namespace millrace::engine::testing
