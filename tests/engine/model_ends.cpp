// How attempts and jobs end: retries, interruptions, dead letters, cancellations.
#include <algorithm>
#include <cmath>
#include <memory>

#include "engine/model.hpp"

namespace millrace::engine::testing {

namespace {

/// The random factor of a wait, by the definitions of splitmix64 and of the option `jitter`.
double jitter_factor(double jitter, job_id job, std::uint32_t failures) {
  const auto splitmix64 = [](std::uint64_t z) {
    z += 11'400'714'819'323'198'485u;
    z = (z ^ (z >> 30)) * 13'787'848'793'156'543'929u;
    z = (z ^ (z >> 27)) * 10'723'151'780'598'845'931u;
    return z ^ (z >> 31);
  };
  const std::uint64_t random = splitmix64(splitmix64(job.value()) + failures);
  const std::uint64_t upper_bits = random / 2'048;
  const double part = static_cast<double>(upper_bits) / 9'007'199'254'740'992.0;
  return 1 - jitter + 2 * jitter * part;
}

duration wait_after(const retry_options& options, job_id job, std::uint32_t failures) {
  double times = 1;
  if (options.backoff == backoff::linear) times = failures;
  if (options.backoff == backoff::exponential) times = std::pow(2.0, failures - 1);
  const double wait =
      std::min(static_cast<double>(options.first.count()) * times, static_cast<double>(options.max.count()));
  return duration{std::llround(wait * jitter_factor(options.jitter, job, failures))};
}

bool in_time(const retry_options& options, instant put_at, instant due) {
  return !options.within || due <= put_at + *options.within;
}

}  // namespace

retry_options model::retries_of(const model_job& job, const finish_request& request) {
  return request.retry.value_or(get_queue(job.queue).options.retry);
}

finish_status model::postpone(job_id id, finish_request request) {
  model_job& job = *find_job(id);
  const bool is_too_often = job.laters >= 1'000;
  if (is_too_often || !in_time(retries_of(job, request), job.put_at, now_ + request.later_after)) {
    request.error_text = is_too_often ? "its handler has postponed it too often"
                                      : "its handler wants to postpone it beyond `within` of its retries";
    return fail(id, outcome::failed, reason::failed, request);
  }
  if (job.expires_at() <= now_) return end_expired(id, request);
  ++job.laters;
  get_queue(job.queue).counts.postponed.add();
  observe_attempt(job);
  job.delay = request.later_after;
  make_delayed(id);
  return finish_status::postponed;
}

finish_status model::end_expired(job_id id, const finish_request& request) {
  observe_done(*find_job(id));
  return expire(id, request.dead_letter);
}

finish_status model::fail(job_id id, outcome result, reason cause, const finish_request& request) {
  model_job& job = *find_job(id);
  job.error_text = request.error_text;
  if (result != outcome::cancelled) {
    ++job.failures;
    job.details.last_failure = now_;
    if (job.details.first_failure == never) job.details.first_failure = now_;
    const auto options = retries_of(job, request);
    const auto wait = wait_after(options, id, job.failures);
    if (request.is_final) {
      cause = reason::rejected;
    } else if (job.failures < options.attempts && in_time(options, job.put_at, now_ + wait)) {
      if (job.expires_at() <= now_) return end_expired(id, request);
      get_queue(job.queue).counts.retried.add();
      observe_attempt(job);
      job.delay = wait;
      make_delayed(id);
      return finish_status::retried;
    } else if (request.over_limit) {
      cause = reason::limit;
    }
  }
  observe_done(job);
  return give_up(id, result, cause, request.dead_letter) ? finish_status::dead_lettered : finish_status::buried;
}

bool model::dead_letter(job_id id, outcome result, reason cause, std::optional<queue_id> letters) {
  const queue_id from = find_job(id)->queue;
  const auto& name = get_queue(from).options.dead_letter;
  const auto found = std::ranges::find_if(
      queues, [&](const model_queue& queue) { return letters ? queue.id == *letters : queue.name == name; });
  if (found == queues.end() || found->id == from || !find_job(id)->details.origin.empty()) return false;
  const queue_id target = found->id;
  const std::uint64_t size = find_job(id)->text.size();
  const capacity target_capacity = find_capacity(target, 1, size, nullptr, false);
  if (target_capacity != capacity::free && target_capacity != capacity::after_drops) {
    const bool too_large = size > get_queue(target).options.max_bytes;
    get_queue(target).counts.rejected.add(too_large ? reason::too_large : reason::overflow);
    return false;
  }
  drop_jobs_for(target, 1, size);
  model_job& job = *find_job(id);
  get_queue(from).counts.dead_lettered.add(cause);
  get_queue(from).counts.finished[static_cast<std::size_t>(result)].add();
  record_job_end(job, result, job.error_text);
  job.details.cause = cause;
  job.details.origin = get_queue(from).name;
  move_to(id, target, job_state::ready);
  return true;
}

void model::move_to(job_id id, queue_id queue, job_state state) {
  model_job& job = *find_job(id);
  const queue_id from = job.queue;
  leave_state(job);
  job.recorded = is_recorded(job);
  job.queue = queue;
  get_queue(queue).counts.puts.add();
  enter_state(job, state);
  record_move(job, {.to = state, .from = from});
  if (!job.recorded && is_recorded(job)) {
    const auto moved = std::get<job_moved>(changes.back());
    changes.back() =
        job_put{id,          queue,        job.state,      {body{job.text}, job.priority, job.delay, job.ttr},
                job.put_at,  moved.due,    job.error_text, durability::memory,
                moved.tally, moved.details};
  }
  if (state == job_state::ready) offer_ready_job(queue);
  mark_for_update(from);
}

bool model::give_up(job_id id, outcome result, reason cause, std::optional<queue_id> letters) {
  if (dead_letter(id, result, cause, letters)) return true;
  bury_with_cause(id, result, cause);
  return false;
}

void model::bury_with_cause(job_id id, outcome result, reason cause) {
  model_job& job = *find_job(id);
  get_queue(job.queue).counts.buried.add(cause);
  get_queue(job.queue).counts.finished[static_cast<std::size_t>(result)].add();
  record_job_end(job, result, job.error_text);
  ++job.buries;
  job.details.cause = cause;
  leave_state(job);
  enter_state(job, job_state::buried);
  record_move(job, {.to = job_state::buried});
}

finish_status model::interrupt(job_id id, std::optional<queue_id> letters, std::uint32_t default_deliveries_max) {
  model_job& job = *find_job(id);
  auto& queue = get_queue(job.queue);
  queue.counts.interrupted.add();
  ++job.interruptions;
  if (job.expires_at() <= now_) return expire(id, letters);
  const auto deliveries_max = queue.options.deliveries_max ? *queue.options.deliveries_max : default_deliveries_max;
  if (deliveries_max > 0 && job.interruptions >= deliveries_max) {
    const bool moved = give_up(id, outcome::failed, reason::undeliverable, letters);
    return moved ? finish_status::dead_lettered : finish_status::buried;
  }
  make_ready(id);
  return finish_status::interrupted;
}

bool model::cancel(job_id id, instant now) {
  begin_command(now);
  if (find_job(id) == nullptr) return false;
  cancel_job(id);
  end_command();
  return true;
}

void model::cancel_job(job_id id) {
  const model_job& job = *find_job(id);
  const bool finish_waits = std::ranges::count(capacity_waiters, id, &capacity_waiter::job) > 0;
  if (job.state == job_state::reserved && job.due == never && !finish_waits)
    add_event(event::kind::cancelled, job.holder, id);
  end_job(id, outcome::cancelled);
}

}  // namespace millrace::engine::testing
