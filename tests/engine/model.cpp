// Time, order and queries. Commands: model_commands.cpp. Full queues: model_capacity.cpp.
#include "engine/model.hpp"

#include <algorithm>
#include <cassert>

namespace millrace::engine::testing {

model::its_job* model::job(job_id which) {
  for (auto& it : jobs) {
    if (it.id == which) return &it;
  }
  return nullptr;
}

model::its_queue& model::queue(queue_id which) {
  for (auto& it : queues) {
    if (it.id == which) return it;
  }
  assert(false);
  return queues.front();
}

bool model::has_queue(queue_id which) const { return std::ranges::count(queues, which, &its_queue::id) > 0; }

model::its_session& model::session(session_id who) {
  for (auto& it : sessions) {
    if (it.id == who) return it;
  }
  assert(false);
  return sessions.front();
}

model::its_job* model::held(session_id who, job_id which) {
  its_job* const it = job(which);
  return it != nullptr && it->state == job_state::reserved && it->holder == who ? it : nullptr;
}

const model::its_queue* model::find(std::string_view name) const {
  for (const auto& it : queues) {
    if (it.name == name) return &it;
  }
  return nullptr;
}

std::uint64_t model::count(queue_id which, job_state state) const {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(jobs, [&](const its_job& it) { return it.queue == which && it.state == state; }));
}

std::uint64_t model::bytes(queue_id which, job_state state) const {
  std::uint64_t sum = 0;
  for (const auto& it : jobs) {
    if (it.queue == which && it.state == state) sum += it.text.size();
  }
  return sum;
}

bool model::anybody_in_line(queue_id which) const {
  return std::ranges::any_of(line, [&](const in_line& it) { return it.queue == which; });
}

bool model::idle(const its_queue& which) const {
  const bool held = std::ranges::any_of(sessions, [&](const its_session& it) {
    return it.uses == which.id || std::ranges::count(it.watched, which.id) > 0;
  });
  const bool filled = std::ranges::any_of(jobs, [&](const its_job& it) { return it.queue == which.id; });
  return !which.declared && !held && !filled && !anybody_in_line(which.id);
}

const model::its_job* model::first(queue_id which, job_state state) const {
  const its_job* best = nullptr;
  const auto before = [state](const its_job& one, const its_job& two) {
    if (state == job_state::ready && one.priority != two.priority) return one.priority < two.priority;
    if (state == job_state::delayed && one.due != two.due) return one.due < two.due;
    if (state == job_state::buried || state == job_state::reserved) return one.order < two.order;
    return one.id < two.id;
  };
  for (const auto& it : jobs) {
    if (it.queue == which && it.state == state && (best == nullptr || before(it, *best))) best = &it;
  }
  return best;
}

queue_levels model::levels(queue_id which) const {
  queue_levels all;
  for (const auto& it : jobs) {
    if (it.queue != which) continue;
    const auto add = [&](std::uint64_t& number, std::uint64_t& size, instant& oldest) {
      ++number;
      size += it.text.size();
      oldest = std::min(oldest, it.entered);
    };
    switch (it.state) {
      case job_state::ready:
        add(all.ready, all.ready_bytes, all.oldest_ready);
        break;
      case job_state::reserved:
        add(all.reserved, all.reserved_bytes, all.oldest_reserved);
        break;
      case job_state::delayed:
        add(all.delayed, all.delayed_bytes, all.oldest_delayed);
        break;
      case job_state::buried:
        add(all.buried, all.buried_bytes, all.oldest_buried);
        break;
    }
    if (it.state == job_state::ready && it.priority < 1024) ++all.urgent;
  }
  for (const auto& it : sessions) {
    if (it.uses == which) ++all.using_sessions;
    if (std::ranges::count(it.watched, which) == 0) continue;
    ++all.watching_sessions;
    if (it.waits) ++all.waiting_sessions;
  }
  all.waiting_puts = static_cast<std::uint32_t>(std::ranges::count(line, which, &in_line::queue));
  for (const auto& it : queues) {
    if (it.id == which) all.paused_for = it.paused_for, all.paused_until = it.paused_until;
  }
  return all;
}

model::due model::soonest() const {
  due best{never, 9, 0};
  const auto consider = [&](instant when, int kind, std::uint64_t number) {
    if (const due it{when, kind, number}; when != never && it < best) best = it;
  };
  for (const auto& it : jobs) {
    if (it.state == job_state::delayed) consider(it.due, 0, it.id.value());
    if (it.state == job_state::delayed || it.state == job_state::ready) consider(it.expires_at(), -1, it.id.value());
    if (it.state != job_state::reserved || it.due == never) continue;
    const bool warn = limits.lease_margin > duration::zero() && !it.in_margin;
    consider(warn ? it.due - limits.lease_margin : it.due, warn ? 3 : 1, it.id.value());
  }
  for (const auto& it : queues) {
    if (it.paused_until != no_pause) consider(it.paused_until, 2, it.id.value());
  }
  for (const auto& it : sessions) {
    if (it.waits) consider(it.until, 4, it.id.value());
  }
  for (const auto& it : groups) consider(due_of(it), 5, it.id.value());
  return best;
}

instant model::next_deadline() const { return soonest().when; }

void model::begin(instant at) {
  now = at;
  std::size_t left = 1'000;
  while (left > 0) {
    const due next = soonest();
    if (next.when == never || next.when > now) break;
    left -= do_due(next, left);
  }
  settle();
}

std::size_t model::do_due(due what, std::size_t most) {
  const job_id id{what.number};
  switch (what.kind) {
    case -1:
      expire(id);
      return 1;
    case 0:
      make_ready(id);
      return 1;
    case 1:
      ++job(id)->timeouts;
      queue(job(id)->queue).counts.ttr_expired.add();
      interrupt(id);
      return 1;
    case 2:
      return std::max<std::size_t>(1, serve_after_pause(queue_id{static_cast<std::uint32_t>(what.number)}, most));
    case 3: {
      job(id)->in_margin = true;
      its_session& holder = session(job(id)->holder);
      if (holder.waits) tell(event::kind::deadline_soon, holder.id);
      holder.waits = false;
      return 1;
    }
    case 5:
      return do_due_group(group_id{what.number}, most);
    default: {
      its_session& who = session(session_id{what.number});
      who.waits = false;
      tell(event::kind::timed_out, who.id);
      return 1;
    }
  }
}

/// Gives the first ready job to the session that has waited longest; false if there is no such pair.
bool model::serve_one(queue_id which) {
  const its_job* const best = first(which, job_state::ready);
  its_session* longest = nullptr;
  for (auto& it : sessions) {
    if (!it.waits || std::ranges::count(it.watched, which) == 0) continue;
    if (longest == nullptr || it.since < longest->since) longest = &it;
  }
  if (best == nullptr || longest == nullptr) return false;
  longest->waits = false;
  const auto given = make_reserved(*job(best->id), *longest, longest->wanted);
  tell(event::kind::granted, longest->id);
  events.back().job = given;
  return true;
}

std::size_t model::serve_after_pause(queue_id which, std::size_t most) {
  std::size_t served = 0;
  while (served < most && serve_one(which)) ++served;
  const bool waiting = std::ranges::any_of(
      sessions, [&](const its_session& it) { return it.waits && std::ranges::count(it.watched, which) > 0; });
  if (!waiting || first(which, job_state::ready) == nullptr) {
    queue(which).paused_until = no_pause;
    queue(which).paused_for = {};
  }
  return served;
}

void model::offer(queue_id which) {
  if (queue(which).paused_until == no_pause) serve_one(which);
}

void model::tell(event::kind what, session_id who, job_id id, finish_status finish) {
  event told;
  told.type = what;
  told.session = who;
  told.id = id;
  told.finish.status = finish;
  events.push_back(told);
}

void model::observe_attempt(const its_job& it) { timings(queue(it.queue)).service.observe(now - it.entered); }

void model::observe_done(const its_job& it) {
  observe_attempt(it);
  timings(queue(it.queue)).end_to_end.observe(now - it.put_at);
}

}  // namespace millrace::engine::testing
