// What becomes of jobs that nobody takes, and what people change.
#include <algorithm>

#include "engine/model.hpp"

namespace millrace::engine::testing {

finish_status model::expire(job_id which, std::optional<queue_id> letters) {
  if (dead_letter(which, outcome::expired, reason::expired, letters)) return finish_status::dead_lettered;
  its_job& it = *job(which);
  const auto& own = queue(it.queue);
  const bool has_letters = letters ? *letters != own.id : !own.options.dead_letter.empty();
  if (!has_letters || (!letters && own.options.dead_letter == own.name)) {
    end_job(which, outcome::expired);
    return finish_status::expired;
  }
  it.details.expires_at = never;
  if (it.state != job_state::buried) bury_for(which, outcome::expired, reason::expired);
  return finish_status::buried;
}

void model::make_delayed(job_id which) {
  its_job& it = *job(which);
  if (it.expires_at() <= now) return void(expire(which));
  leave(it);
  enter(it, job_state::delayed);
  record_move(it, {.to = job_state::delayed});
}

change_result model::redrive(job_id which, const job_change& wanted, queue_id fresh) {
  const std::string name = wanted.queue.empty() ? job(which)->details.origin : wanted.queue;
  if (name.empty()) return change_result::no_origin;
  const auto* const into = find_or_add(name, fresh);
  if (into == nullptr) return change_result::too_many_queues;
  if (into->id == job(which)->queue) return change_result::same_queue;
  const queue_id to = into->id;
  its_job& it = *job(which);
  it.error_text.clear();
  job_details left;
  left.group = it.details.group;
  left.group_place = it.details.group_place;
  if (it.details.expires_at != never) left.expires_at = after(now, it.details.expires_at - it.put_at);
  if (wanted.keep_counts) {
    left.first_failure = it.details.first_failure;
    left.last_failure = it.details.last_failure;
  } else {
    it.failures = it.interruptions = it.laters = 0;
  }
  it.details = left;
  move_to(which, to, job_state::ready);
  return change_result::changed;
}

change_result model::move(job_id which, const job_change& wanted, queue_id fresh) {
  const auto* const into = find_or_add(wanted.queue, fresh);
  if (into == nullptr) return change_result::too_many_queues;
  if (into->id == job(which)->queue) return change_result::same_queue;
  const queue_id to = into->id;
  its_job& it = *job(which);
  auto state = it.state;
  if (state == job_state::delayed) {
    it.delay = std::max(it.due - now, duration{0});
    if (it.delay == duration{0}) state = job_state::ready;
  }
  move_to(which, to, state);
  return change_result::changed;
}

change_result model::change(job_id which, const job_change& wanted, queue_id fresh) {
  its_job* const it = job(which);
  if (it == nullptr) return change_result::not_found;
  if (it->state == job_state::reserved) return change_result::wrong_state;
  switch (wanted.type) {
    case job_change::kind::redrive:
      return redrive(which, wanted, fresh);
    case job_change::kind::move:
      return move(which, wanted, fresh);
    case job_change::kind::cancel:
      end_job(which, outcome::cancelled);
      break;
    case job_change::kind::erase:
      erase_one(which);
      break;
    case job_change::kind::kick:
      if (it->state == job_state::ready) return change_result::wrong_state;
      kick_one(which);
      break;
    case job_change::kind::set_priority:
      if (it->priority == wanted.priority) break;
      it->priority = wanted.priority;
      record_move(*it, {.to = it->state});
      break;
  }
  return change_result::changed;
}

change_result model::change_job(job_id which, const job_change& wanted, queue_id fresh, instant at) {
  begin(at);
  const auto result = change(which, wanted, fresh);
  settle();
  return result;
}

}  // namespace millrace::engine::testing
