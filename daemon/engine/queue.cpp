#include "engine/queue.hpp"

#include <cassert>

namespace millrace::engine {

std::uint64_t queue::jobs() const noexcept {
  return std::uint64_t{by_state[0].count} + by_state[1].count + by_state[2].count + by_state[3].count;
}

std::uint64_t queue::bytes() const noexcept {
  return by_state[0].bytes + by_state[1].bytes + by_state[2].bytes + by_state[3].bytes;
}

bool queue::idle() const noexcept {
  return !declared && using_sessions == 0 && watching_sessions == 0 && jobs() == 0 && capacity_waiters.empty();
}

bool queue::fits(const demand& needed) const noexcept {
  return jobs() - needed.leaving_jobs + needed.jobs <= options.max_jobs &&
         bytes() - needed.leaving_bytes + needed.bytes <= options.max_bytes;
}

bool queue::could_fit(const demand& needed) const noexcept {
  return needed.jobs <= options.max_jobs && needed.bytes <= options.max_bytes;
}

bool queue::fits_after_drops(const demand& needed) const noexcept {
  auto all = needed;
  all.leaving_jobs += at(job_state::ready).count;
  all.leaving_bytes += at(job_state::ready).bytes;
  return fits(all);
}

void queue::enter(job_table& jobs, slot at_slot, job_state state, instant now) {
  job& record = jobs[at_slot];
  record.state = state;
  record.entered_at = now;
  state_list& list = at(state);
  record.earlier = list.last;
  record.later = no_slot;
  (list.last == no_slot ? list.first : jobs[list.last].later) = at_slot;
  list.last = at_slot;
  ++list.count;
  list.bytes += record.content.size();
  if (state == job_state::ready) {
    ready.insert(jobs, at_slot);
    if (record.priority < urgent_below) ++urgent;
    if (!record.content.in_memory()) ++ready_on_disk;
  } else if (state == job_state::delayed) {
    delayed.push(jobs, at_slot);
  }
}

void queue::leave(job_table& jobs, slot at_slot) noexcept {
  job& record = jobs[at_slot];
  state_list& list = at(record.state);
  assert(list.count > 0);
  (record.earlier == no_slot ? list.first : jobs[record.earlier].later) = record.later;
  (record.later == no_slot ? list.last : jobs[record.later].earlier) = record.earlier;
  --list.count;
  list.bytes -= record.content.size();
  if (record.state == job_state::ready) {
    ready.remove(jobs, at_slot);
    if (record.priority < urgent_below) --urgent;
    if (!record.content.in_memory()) --ready_on_disk;
  } else if (record.state == job_state::delayed) {
    delayed.remove(jobs, at_slot);
  }
}

queue_levels queue::levels(const job_table& jobs) const noexcept {
  const auto oldest = [&](job_state state) {
    const slot first = at(state).first;
    return first == no_slot ? never : jobs[first].entered_at;
  };
  queue_levels all;
  all.ready = at(job_state::ready).count;
  all.reserved = at(job_state::reserved).count;
  all.delayed = at(job_state::delayed).count;
  all.buried = at(job_state::buried).count;
  all.urgent = urgent;
  all.ready_bytes = at(job_state::ready).bytes;
  all.reserved_bytes = at(job_state::reserved).bytes;
  all.delayed_bytes = at(job_state::delayed).bytes;
  all.buried_bytes = at(job_state::buried).bytes;
  all.oldest_ready = oldest(job_state::ready);
  all.oldest_reserved = oldest(job_state::reserved);
  all.oldest_delayed = oldest(job_state::delayed);
  all.oldest_buried = oldest(job_state::buried);
  all.using_sessions = using_sessions;
  all.watching_sessions = watching_sessions;
  all.waiting_sessions = waiting.size();
  all.waiting_puts = capacity_waiters.size();
  if (!capacity_waiters.empty()) all.first_put_waits_since = capacity_waiters.first().since;
  all.paused_for = paused_for;
  all.paused_until = paused_until;
  return all;
}

}  // namespace millrace::engine
