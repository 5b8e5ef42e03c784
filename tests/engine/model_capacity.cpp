// Puts and finishes into a full queue.
#include <algorithm>
#include <cassert>

#include "engine/model.hpp"

namespace millrace::engine::testing {

/// `is_first`: no other capacity waiter of the queue comes before. `leaving_job` does not count.
model::capacity model::find_capacity(queue_id id, std::uint64_t new_jobs, std::uint64_t new_bytes,
                                     const model_job* leaving_job, bool is_first) const {
  const auto queue = std::ranges::find(queues, id, &model_queue::id);
  // The queue can go while a finish with outputs into it waits for another queue.
  if (queue == queues.end()) return capacity::none;
  const auto& options = queue->options;
  if (new_jobs > options.max_jobs || new_bytes > options.max_bytes) return capacity::none;
  std::uint64_t all_jobs = new_jobs, all_bytes = new_bytes;
  std::uint64_t staying_jobs = new_jobs, staying_bytes = new_bytes;
  for (const auto& job : jobs) {
    if (job.queue != id || &job == leaving_job) continue;
    ++all_jobs, all_bytes += job.text.size();
    if (job.state != job_state::ready) ++staying_jobs, staying_bytes += job.text.size();
  }
  const bool is_next = is_first || !has_capacity_waiters(id);
  if (is_next && all_jobs <= options.max_jobs && all_bytes <= options.max_bytes) return capacity::free;
  if (options.when_full == overflow::block) return capacity::later;
  if (options.when_full == overflow::reject || !is_next) return capacity::none;
  const bool fits_after_drops = staying_jobs <= options.max_jobs && staying_bytes <= options.max_bytes;
  return fits_after_drops ? capacity::after_drops : capacity::none;
}

void model::drop_jobs_for(queue_id queue, std::uint64_t new_jobs, std::uint64_t new_bytes) {
  while (find_capacity(queue, new_jobs, new_bytes, nullptr, true) != capacity::free) {
    const model_job* oldest = nullptr;
    for (const auto& job : jobs) {
      if (job.queue != queue || job.state != job_state::ready) continue;
      if (oldest == nullptr || job.order < oldest->order) oldest = &job;
    }
    assert(oldest != nullptr);
    end_job(oldest->id, outcome::dropped);
  }
}

job_id model::put_job(queue_id queue, put_request request) {
  model_job job;
  job.id = job_id{++last_job_};
  job.queue = queue;
  job.text = request.content.view();
  job.priority = request.priority;
  job.delay = request.delay;
  job.ttr = request.ttr = std::max<duration>(request.ttr, seconds{1});
  job.put_at = now_;
  const auto expire_after = request.expire_after ? request.expire_after : get_queue(queue).options.expire_after;
  if (expire_after) job.details.expires_at = after(now_, std::max(*expire_after, duration{1}));
  enter_state(job, job.delay > duration::zero() ? job_state::delayed : job_state::ready);
  const instant due = job.state == job_state::delayed ? job.due : instant{};
  const model_group* const refusing_group = join(job, request) ? nullptr : find_group(request.group);
  changes.emplace_back(
      job_put{job.id, queue, job.state, request, now_, due, {}, durability::memory, {}, details_of(job)});
  get_queue(queue).counts.puts.add();
  jobs.push_back(job);
  const bool cancels = refusing_group != nullptr && refusing_group->ended && refusing_group->cancels_rest();
  if (cancels) {
    cancel_job(job.id);
  } else if (job.state == job_state::ready) {
    offer_ready_job(queue);
  }
  return job.id;
}

put_answer model::put(session_id session, queue_id queue, const put_request& request, instant now) {
  begin_command(now);
  if (!has_queue(queue)) return {};
  auto& counts = get_queue(queue).counts;
  if (draining) {
    counts.rejected[static_cast<std::size_t>(reason::draining)].add();
    return {put_status::draining, {}, reason::draining};
  }
  if (request.group) {
    if (const auto cause = refusal_to_join(request.group)) {
      counts.rejected.add(*cause);
      return {put_status::refused, {}, *cause};
    }
  }
  const std::uint64_t size = request.content.size();
  const capacity found = find_capacity(queue, 1, size, nullptr, false);
  if (found == capacity::none) {
    const auto cause = size > get_queue(queue).options.max_bytes ? reason::too_large : reason::overflow;
    counts.rejected[static_cast<std::size_t>(cause)].add();
    return {put_status::refused, {}, cause};
  }
  if (found == capacity::later) {
    auto& waiter = capacity_waiters.emplace_back();
    waiter.session = session, waiter.queue = queue, waiter.put = request;
    return {put_status::waiting, {}};
  }
  if (found == capacity::after_drops) drop_jobs_for(queue, 1, size);
  const put_answer answer{put_status::inserted, put_job(queue, request)};
  end_command();
  return answer;
}

bool model::withdraw_put(session_id session) {
  const bool removed = remove_waiting_put(session);
  end_command();
  return removed;
}

bool model::remove_waiting_put(session_id session) {
  const auto found = std::ranges::find_if(capacity_waiters, [&](const capacity_waiter& waiter) {
    return waiter.session == session && !waiter.job && !waiter.group;
  });
  if (found == capacity_waiters.end()) return false;
  const queue_id queue = found->queue;
  capacity_waiters.erase(found);
  mark_for_update(queue);
  return true;
}

void model::mark_for_update(queue_id queue) {
  if (std::ranges::count(queues_to_update_, queue) > 0) return;
  if (has_capacity_waiters(queue) || is_idle(get_queue(queue))) queues_to_update_.push_back(queue);
}

void model::end_command() {
  while (!queues_to_update_.empty() || !touched_.empty()) {
    update_groups();
    update_queues();
  }
}

void model::update_queues() {
  while (!queues_to_update_.empty()) {
    const queue_id id = queues_to_update_.front();
    queues_to_update_.erase(queues_to_update_.begin());
    admit(id);
    model_queue& queue = get_queue(id);
    if (!is_idle(queue) || std::ranges::count(queues_to_update_, id) > 0) continue;
    model_row* const row = queue.has_row ? find_row(queue.name) : nullptr;
    queue_counts& kept = row != nullptr ? row->before : counts_of_removed;
    const auto add = [](counter& sum, const counter& by) { sum.add(by.value()); };
    add(kept.puts, queue.counts.puts);
    add(kept.reserved, queue.counts.reserved);
    add(kept.released, queue.counts.released);
    add(kept.kicked, queue.counts.kicked);
    add(kept.ttr_expired, queue.counts.ttr_expired);
    add(kept.deletes, queue.counts.deletes);
    add(kept.pauses, queue.counts.pauses);
    add(kept.retried, queue.counts.retried);
    add(kept.postponed, queue.counts.postponed);
    add(kept.interrupted, queue.counts.interrupted);
    for (std::size_t i = 0; i < outcome_count; ++i) add(kept.finished[i], queue.counts.finished[i]);
    for (std::size_t i = 0; i < reason_count; ++i) {
      add(kept.buried[i], queue.counts.buried[i]);
      add(kept.dead_lettered[i], queue.counts.dead_lettered[i]);
      add(kept.rejected[i], queue.counts.rejected[i]);
    }
    puts_of_removed += queue.counts.puts.value();
    expirations_of_removed += queue.counts.ttr_expired.value();
    if (row != nullptr) {
      row->queue = {};
      row->removed_at = now_;
    }
    if (queue.paused_until != no_pause) changes.emplace_back(queue_paused{id, no_pause, {}});
    std::erase_if(queues, [&](const model_queue& each) { return each.id == id; });
  }
}

void model::admit(queue_id queue) {
  for (;;) {
    const auto head = std::ranges::find(capacity_waiters, queue, &capacity_waiter::queue);
    if (head == capacity_waiters.end()) return;
    const capacity_waiter waiter = *head;
    if (!waiter.job) {
      const std::uint64_t size = waiter.put.content.size();
      const capacity found = find_capacity(queue, 1, size, nullptr, true);
      const bool is_empty = std::ranges::none_of(jobs, [&](const model_job& job) { return job.queue == queue; });
      if ((found == capacity::later || found == capacity::none) && !is_empty) return;
      capacity_waiters.erase(head);
      if (found == capacity::after_drops) drop_jobs_for(queue, 1, size);
      if (waiter.group) {
        find_group(waiter.group)->outcome_waits = false;
        put_outcome(*find_group(waiter.group), queue, waiter.put);
        continue;
      }
      const job_id id = put_job(queue, waiter.put);
      add_event(event::kind::put_admitted, waiter.session, id);
      continue;
    }
    const auto [found, full_queue, refusal] =
        find_outputs_capacity(*find_job(waiter.job), waiter.finish.outputs, queue);
    if (found == capacity::later && full_queue == queue) return;
    capacity_waiters.erase(head);
    if (found == capacity::later) {
      capacity_waiters.push_back(waiter);
      capacity_waiters.back().queue = full_queue;
      continue;
    }
    const finish_status status = apply_finish(waiter.job, waiter.finish, found, refusal);
    add_event(event::kind::finish_done, waiter.session, waiter.job, status);
  }
}

model::outputs_capacity model::find_outputs_capacity(const model_job& job, const std::vector<output>& outputs,
                                                     queue_id admitting) const {
  outputs_capacity answer;
  const auto is_gone = [this](const output& out) {
    return std::ranges::find(queues, out.queue, &model_queue::id) == queues.end();
  };
  if (std::ranges::any_of(outputs, is_gone)) return {capacity::none, {}};
  for (const auto& out : outputs) {
    std::uint64_t new_jobs = 0, new_bytes = 0;
    for (const auto& each : outputs) {
      if (each.queue == out.queue) ++new_jobs, new_bytes += each.job.content.size();
    }
    const bool is_first = out.queue == admitting || out.queue == job.queue;
    const capacity found = find_capacity(out.queue, new_jobs, new_bytes, &job, is_first);
    const auto& options = std::ranges::find(queues, out.queue, &model_queue::id)->options;
    const bool too_large = new_jobs > options.max_jobs || new_bytes > options.max_bytes;
    if (found == capacity::none) return {capacity::none, {}, too_large ? reason::too_large : reason::output_full};
    if (found == capacity::later && answer.found != capacity::later) answer = {capacity::later, out.queue};
  }
  return answer;
}

finish_status model::finish(session_id session, const finish_request& request, instant now) {
  begin_command(now);
  model_job* const job = find_held_job(session, request.job);
  if (job == nullptr) return finish_status::not_found;
  forget_finish(request.job);
  finish_status status = finish_status::waiting;
  if (request.result == outcome::ok) {
    const auto [found, full_queue, refusal] = find_outputs_capacity(*job, request.outputs, {});
    if (found == capacity::later) {
      auto& waiter = capacity_waiters.emplace_back();
      waiter.session = session, waiter.queue = full_queue, waiter.job = request.job, waiter.finish = request;
    } else {
      status = apply_finish(request.job, request, found, refusal);
    }
  } else if (request.result == outcome::later) {
    status = postpone(request.job, request);
  } else if (request.result == outcome::interrupted) {
    job->error_text = request.error_text;
    observe_attempt(*job);
    status = interrupt(request.job, request.dead_letter, request.deliveries_max);
  } else {
    const auto cause = request.result == outcome::timeout     ? reason::timeout
                       : request.result == outcome::cancelled ? reason::cancelled
                                                              : reason::failed;
    status = fail(request.job, request.result, cause, request);
  }
  end_command();
  return status;
}

finish_status model::apply_finish(job_id id, finish_request request, capacity found, reason refusal) {
  if (found == capacity::none) {
    request.error_text = refusal == reason::too_large
                             ? "an output is larger than its queue may hold or than a job on disk can be"
                             : "an output queue is full";
    request.is_final = false;
    request.over_limit = false;
    return fail(id, outcome::failed, refusal, request);
  }
  observe_done(*find_job(id));
  end_job(id, outcome::ok, request.result_text);
  for (const auto& out : request.outputs) {
    std::uint64_t new_jobs = 0, new_bytes = 0;
    for (const auto& each : request.outputs) {
      if (each.queue == out.queue) ++new_jobs, new_bytes += each.job.content.size();
    }
    drop_jobs_for(out.queue, new_jobs, new_bytes);
  }
  for (const auto& out : request.outputs) put_job(out.queue, out.job);
  return finish_status::done;
}

bool model::withdraw_finish(session_id session, job_id id) {
  const auto found = std::ranges::find(capacity_waiters, id, &capacity_waiter::job);
  if (find_held_job(session, id) == nullptr || found == capacity_waiters.end()) return false;
  const queue_id queue = found->queue;
  capacity_waiters.erase(found);
  mark_for_update(queue);
  end_command();
  return true;
}

/// The job is no longer held while its finish waits.
void model::forget_finish(job_id id) {
  const auto found = std::ranges::find(capacity_waiters, id, &capacity_waiter::job);
  if (found == capacity_waiters.end()) return;
  const auto [session, queue] = std::pair{found->session, found->queue};
  capacity_waiters.erase(found);
  mark_for_update(queue);
  add_event(event::kind::finish_done, session, id, finish_status::not_found);
}

}  // namespace millrace::engine::testing
