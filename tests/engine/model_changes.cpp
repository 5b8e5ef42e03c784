// Expiry and changes of jobs.
#include <algorithm>

#include "engine/model.hpp"

namespace millrace::engine::testing {

finish_status model::expire(job_id id, std::optional<queue_id> letters) {
  if (dead_letter(id, outcome::expired, reason::expired, letters)) return finish_status::dead_lettered;
  model_job& job = *find_job(id);
  const auto& queue = get_queue(job.queue);
  const bool has_letters = letters ? *letters != queue.id : !queue.options.dead_letter.empty();
  if (!has_letters || (!letters && queue.options.dead_letter == queue.name)) {
    end_job(id, outcome::expired);
    return finish_status::expired;
  }
  job.details.expires_at = never;
  if (job.state != job_state::buried) bury_with_cause(id, outcome::expired, reason::expired);
  return finish_status::buried;
}

void model::make_delayed(job_id id) {
  model_job& job = *find_job(id);
  if (job.expires_at() <= now_) return void(expire(id));
  leave_state(job);
  enter_state(job, job_state::delayed);
  record_move(job, {.to = job_state::delayed});
}

change_result model::redrive(job_id id, const job_change& change, const queue_lookup& find_in_engine) {
  const std::string name = change.queue.empty() ? find_job(id)->details.origin : change.queue;
  if (name.empty()) return change_result::no_origin;
  const auto* const queue = find_or_add_queue(name, find_in_engine(name));
  if (queue == nullptr) return change_result::too_many_queues;
  if (queue->id == find_job(id)->queue) return change_result::same_queue;
  const queue_id target = queue->id;
  model_job& job = *find_job(id);
  job.error_text.clear();
  job_details details;
  details.group = job.details.group;
  details.group_place = job.details.group_place;
  if (job.details.expires_at != never) details.expires_at = after(now_, job.details.expires_at - job.put_at);
  if (change.keep_counts) {
    details.first_failure = job.details.first_failure;
    details.last_failure = job.details.last_failure;
  } else {
    job.failures = job.interruptions = job.laters = 0;
  }
  job.details = details;
  move_to(id, target, job_state::ready);
  return change_result::changed;
}

change_result model::move(job_id id, const job_change& change, const queue_lookup& find_in_engine) {
  const auto* const queue = find_or_add_queue(change.queue, find_in_engine(change.queue));
  if (queue == nullptr) return change_result::too_many_queues;
  if (queue->id == find_job(id)->queue) return change_result::same_queue;
  const queue_id target = queue->id;
  model_job& job = *find_job(id);
  auto state = job.state;
  if (state == job_state::delayed) {
    job.delay = std::max(job.due - now_, duration{0});
    if (job.delay == duration{0}) state = job_state::ready;
  }
  move_to(id, target, state);
  return change_result::changed;
}

change_result model::apply_change(job_id id, const job_change& change, const queue_lookup& find_in_engine) {
  model_job* const job = find_job(id);
  if (job == nullptr) return change_result::not_found;
  if (job->state == job_state::reserved) return change_result::wrong_state;
  switch (change.type) {
    case job_change::kind::redrive:
      return redrive(id, change, find_in_engine);
    case job_change::kind::move:
      return move(id, change, find_in_engine);
    case job_change::kind::cancel:
      end_job(id, outcome::cancelled);
      break;
    case job_change::kind::erase:
      apply_erase(id);
      break;
    case job_change::kind::kick:
      if (job->state == job_state::ready) return change_result::wrong_state;
      apply_kick(id);
      break;
    case job_change::kind::set_priority:
      if (job->priority == change.priority) break;
      job->priority = change.priority;
      record_move(*job, {.to = job->state});
      break;
  }
  return change_result::changed;
}

change_result model::change_job(job_id id, const job_change& change, const queue_lookup& find_in_engine, instant now) {
  begin_command(now);
  const auto result = apply_change(id, change, find_in_engine);
  end_command();
  return result;
}

}  // namespace millrace::engine::testing
