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

retry_options model::retries_of(const its_job& it, const finish_request& request) {
  return request.retry.value_or(queue(it.queue).options.retry);
}

finish_status model::postpone(job_id which, finish_request request) {
  its_job& it = *job(which);
  const bool often = it.laters >= 1'000;
  if (often || !in_time(retries_of(it, request), it.put_at, now + request.later_after)) {
    request.error_text = often ? "its handler has postponed it too often"
                               : "its handler wants to postpone it beyond `within` of its retries";
    return fail(which, outcome::failed, reason::failed, request);
  }
  if (it.expires_at() <= now) return end_expired(which, request);
  ++it.laters;
  queue(it.queue).counts.postponed.add();
  observe_attempt(it);
  it.delay = request.later_after;
  make_delayed(which);
  return finish_status::postponed;
}

finish_status model::end_expired(job_id which, const finish_request& request) {
  observe_done(*job(which));
  return expire(which, request.dead_letter);
}

finish_status model::fail(job_id which, outcome result, reason why, const finish_request& request) {
  its_job& it = *job(which);
  it.error_text = request.error_text;
  if (result != outcome::cancelled) {
    ++it.failures;
    it.details.last_failure = now;
    if (it.details.first_failure == never) it.details.first_failure = now;
    const auto options = retries_of(it, request);
    const auto wait = wait_after(options, which, it.failures);
    if (request.is_final) {
      why = reason::rejected;
    } else if (it.failures < options.attempts && in_time(options, it.put_at, now + wait)) {
      if (it.expires_at() <= now) return end_expired(which, request);
      queue(it.queue).counts.retried.add();
      observe_attempt(it);
      it.delay = wait;
      make_delayed(which);
      return finish_status::retried;
    } else if (request.over_limit) {
      why = reason::limit;
    }
  }
  observe_done(it);
  return give_up(which, result, why, request.dead_letter) ? finish_status::dead_lettered : finish_status::buried;
}

bool model::dead_letter(job_id which, outcome result, reason why, std::optional<queue_id> letters) {
  const queue_id from = job(which)->queue;
  const auto& name = queue(from).options.dead_letter;
  const auto into = std::ranges::find_if(
      queues, [&](const its_queue& each) { return letters ? each.id == *letters : each.name == name; });
  if (into == queues.end() || into->id == from || !job(which)->details.origin.empty()) return false;
  const queue_id to = into->id;
  const std::uint64_t size = job(which)->text.size();
  const room found = room_in(to, 1, size, nullptr, false);
  if (found != room::free && found != room::drops) {
    const bool too_large = size > queue(to).options.max_bytes;
    queue(to).counts.rejected.add(too_large ? reason::too_large : reason::overflow);
    return false;
  }
  drop_for(to, 1, size);
  its_job& it = *job(which);
  queue(from).counts.dead_lettered.add(why);
  queue(from).counts.finished[static_cast<std::size_t>(result)].add();
  note_end(it, result, it.error_text);
  it.details.cause = why;
  it.details.origin = queue(from).name;
  move_to(which, to, job_state::ready);
  return true;
}

void model::move_to(job_id which, queue_id to, job_state state) {
  its_job& it = *job(which);
  const queue_id from = it.queue;
  leave(it);
  it.recorded = is_recorded(it);
  it.queue = to;
  queue(to).counts.puts.add();
  enter(it, state);
  record_move(it, {.to = state, .left = from});
  if (!it.recorded && is_recorded(it)) {
    const auto moved = std::get<job_moved>(changes.back());
    changes.back() = job_put{which,       to,           it.state,      {body{it.text}, it.priority, it.delay, it.ttr},
                             it.put_at,   moved.due,    it.error_text, durability::memory,
                             moved.tally, moved.details};
  }
  if (state == job_state::ready) offer(to);
  mark_unsettled(from);
}

bool model::give_up(job_id which, outcome result, reason why, std::optional<queue_id> letters) {
  if (dead_letter(which, result, why, letters)) return true;
  bury_for(which, result, why);
  return false;
}

void model::bury_for(job_id which, outcome result, reason why) {
  its_job& it = *job(which);
  queue(it.queue).counts.buried.add(why);
  queue(it.queue).counts.finished[static_cast<std::size_t>(result)].add();
  note_end(it, result, it.error_text);
  ++it.buries;
  it.details.cause = why;
  leave(it);
  enter(it, job_state::buried);
  record_move(it, {.to = job_state::buried});
}

finish_status model::interrupt(job_id which, std::optional<queue_id> letters, std::uint32_t otherwise) {
  its_job& it = *job(which);
  auto& owner = queue(it.queue);
  owner.counts.interrupted.add();
  ++it.interruptions;
  if (it.expires_at() <= now) return expire(which, letters);
  const auto most = owner.options.deliveries_max ? *owner.options.deliveries_max : otherwise;
  if (most > 0 && it.interruptions >= most) {
    const bool moved = give_up(which, outcome::failed, reason::undeliverable, letters);
    return moved ? finish_status::dead_lettered : finish_status::buried;
  }
  make_ready(which);
  return finish_status::interrupted;
}

bool model::cancel(job_id which, instant at) {
  begin(at);
  if (job(which) == nullptr) return false;
  cancel_job(which);
  settle();
  return true;
}

void model::cancel_job(job_id which) {
  const its_job& it = *job(which);
  const bool finish_waits = std::ranges::count(line, which, &in_line::job) > 0;
  if (it.state == job_state::reserved && it.due == never && !finish_waits)
    tell(event::kind::cancelled, it.holder, which);
  end_job(which, outcome::cancelled);
}

}  // namespace millrace::engine::testing
