// What a full queue means to puts and hand-offs, said plainly.
#include <algorithm>
#include <cassert>

#include "engine/model.hpp"

namespace millrace::engine::testing {

model::room model::room_in(queue_id into, std::uint64_t more, std::uint64_t more_bytes, const its_job* leaving,
                           bool first_in_line) const {
  const auto its = std::ranges::find(queues, into, &its_queue::id);
  if (its == queues.end()) return room::none;  // It went while a finish with outputs into it stood in another line.
  const auto& options = its->options;
  if (more > options.max_jobs || more_bytes > options.max_bytes) return room::none;
  std::uint64_t all = more, all_bytes = more_bytes, stay = more, stay_bytes = more_bytes;
  for (const auto& it : jobs) {
    if (it.queue != into || &it == leaving) continue;
    ++all, all_bytes += it.text.size();
    if (it.state != job_state::ready) ++stay, stay_bytes += it.text.size();
  }
  const bool next = first_in_line || !anybody_in_line(into);
  if (next && all <= options.max_jobs && all_bytes <= options.max_bytes) return room::free;
  if (options.when_full == overflow::block) return room::later;
  if (options.when_full == overflow::reject || !next) return room::none;
  return stay <= options.max_jobs && stay_bytes <= options.max_bytes ? room::drops : room::none;
}

void model::drop_for(queue_id in, std::uint64_t more, std::uint64_t more_bytes) {
  while (room_in(in, more, more_bytes, nullptr, true) != room::free) {
    const its_job* oldest = nullptr;
    for (const auto& it : jobs) {
      if (it.queue != in || it.state != job_state::ready) continue;
      if (oldest == nullptr || it.order < oldest->order) oldest = &it;
    }
    assert(oldest != nullptr);
    end_job(oldest->id, outcome::dropped);
  }
}

job_id model::put_job(queue_id into, put_request request) {
  its_job it;
  it.id = job_id{++last_job};
  it.queue = into;
  it.text = request.content.view();
  it.priority = request.priority;
  it.delay = request.delay;
  it.ttr = request.ttr = std::max<duration>(request.ttr, seconds{1});
  it.put_at = now;
  const auto expire_after = request.expire_after ? request.expire_after : queue(into).options.expire_after;
  if (expire_after) it.details.expires_at = after(now, std::max(*expire_after, duration{1}));
  enter(it, it.delay > duration::zero() ? job_state::delayed : job_state::ready);
  const instant when = it.state == job_state::delayed ? it.due : instant{};
  const its_group* const late = join(it, request) ? nullptr : group(request.group);
  changes.emplace_back(job_put{it.id, into, it.state, request, now, when, {}, durability::memory, {}, details_of(it)});
  queue(into).counts.puts.add();
  jobs.push_back(it);
  if (late != nullptr && late->ended && late->asked.remaining == remaining_members::cancel) {
    cancel_job(it.id);
  } else if (it.state == job_state::ready) {
    offer(into);
  }
  return it.id;
}

put_answer model::put(session_id who, queue_id into, const put_request& request, instant at) {
  begin(at);
  if (!has_queue(into)) return {};
  auto& counts = queue(into).counts;
  if (draining) {
    counts.rejected[static_cast<std::size_t>(reason::draining)].add();
    return {put_status::draining, {}, reason::draining};
  }
  if (request.group) {
    if (const auto why = refusal_to_join(request.group)) {
      counts.rejected.add(*why);
      return {put_status::refused, {}, *why};
    }
  }
  const std::uint64_t size = request.content.size();
  const room found = room_in(into, 1, size, nullptr, false);
  if (found == room::none) {
    const auto why = size > queue(into).options.max_bytes ? reason::too_large : reason::overflow;
    counts.rejected[static_cast<std::size_t>(why)].add();
    return {put_status::refused, {}, why};
  }
  if (found == room::later) {
    auto& last = line.emplace_back();
    last.session = who, last.queue = into, last.put = request;
    return {put_status::waiting, {}};
  }
  if (found == room::drops) drop_for(into, 1, size);
  const put_answer answer{put_status::inserted, put_job(into, request)};
  settle();
  return answer;
}

bool model::withdraw_put(session_id who) {
  const bool left = leave_line(who);
  settle();
  return left;
}

bool model::leave_line(session_id who) {
  const auto it =
      std::ranges::find_if(line, [&](const in_line& each) { return each.session == who && !each.job && !each.group; });
  if (it == line.end()) return false;
  const queue_id from = it->queue;
  line.erase(it);
  mark_unsettled(from);
  return true;
}

void model::mark_unsettled(queue_id which) {
  if (std::ranges::count(unsettled, which) > 0) return;
  if (anybody_in_line(which) || idle(queue(which))) unsettled.push_back(which);
}

void model::settle() {
  while (!unsettled.empty() || !touched.empty()) {
    settle_groups();
    settle_queues();
  }
}

void model::settle_queues() {
  while (!unsettled.empty()) {
    const queue_id which = unsettled.front();
    unsettled.erase(unsettled.begin());
    admit(which);
    its_queue& it = queue(which);
    if (!idle(it) || std::ranges::count(unsettled, which) > 0) continue;
    its_row* const row = it.has_row ? row_of(it.name) : nullptr;
    queue_counts& kept = row != nullptr ? row->before : removed;
    const auto add = [](counter& sum, const counter& by) { sum.add(by.value()); };
    add(kept.puts, it.counts.puts);
    add(kept.reserved, it.counts.reserved);
    add(kept.released, it.counts.released);
    add(kept.kicked, it.counts.kicked);
    add(kept.ttr_expired, it.counts.ttr_expired);
    add(kept.deletes, it.counts.deletes);
    add(kept.pauses, it.counts.pauses);
    add(kept.retried, it.counts.retried);
    add(kept.postponed, it.counts.postponed);
    add(kept.interrupted, it.counts.interrupted);
    for (std::size_t i = 0; i < outcome_count; ++i) add(kept.finished[i], it.counts.finished[i]);
    for (std::size_t i = 0; i < reason_count; ++i) {
      add(kept.buried[i], it.counts.buried[i]);
      add(kept.dead_lettered[i], it.counts.dead_lettered[i]);
      add(kept.rejected[i], it.counts.rejected[i]);
    }
    puts_of_removed += it.counts.puts.value();
    expirations_of_removed += it.counts.ttr_expired.value();
    if (row != nullptr) {
      row->queue = {};
      row->removed_at = now;
    }
    if (it.paused_until != no_pause) changes.emplace_back(queue_paused{which, no_pause, {}});
    std::erase_if(queues, [&](const its_queue& each) { return each.id == which; });
  }
}

void model::admit(queue_id which) {
  for (;;) {
    const auto head = std::ranges::find(line, which, &in_line::queue);
    if (head == line.end()) return;
    const in_line it = *head;
    if (!it.job) {
      const std::uint64_t size = it.put.content.size();
      const room found = room_in(which, 1, size, nullptr, true);
      const bool empty = std::ranges::none_of(jobs, [&](const its_job& each) { return each.queue == which; });
      if ((found == room::later || found == room::none) && !empty) return;
      line.erase(head);
      if (found == room::drops) drop_for(which, 1, size);
      if (it.group) {
        group(it.group)->outcome_waits = false;
        outcome_is_put(*group(it.group), which, it.put);
        continue;
      }
      const job_id id = put_job(which, it.put);
      tell(event::kind::put_admitted, it.session, id);
      continue;
    }
    const auto [found, where, refusal] = room_for(*job(it.job), it.finish.outputs, which);
    if (found == room::later && where == which) return;
    line.erase(head);
    if (found == room::later) {
      line.push_back(it);
      line.back().queue = where;
      continue;
    }
    const finish_status status = carry_out(it.job, it.finish, found, refusal);
    tell(event::kind::finish_done, it.session, it.job, status);
  }
}

model::room_for_all model::room_for(const its_job& it, const std::vector<output>& outputs, queue_id here) const {
  room_for_all answer;
  const auto is_gone = [this](const output& out) {
    return std::ranges::find(queues, out.queue, &its_queue::id) == queues.end();
  };
  if (std::ranges::any_of(outputs, is_gone)) return {room::none, {}};
  for (const auto& out : outputs) {
    std::uint64_t more = 0, more_bytes = 0;
    for (const auto& each : outputs) {
      if (each.queue == out.queue) ++more, more_bytes += each.job.content.size();
    }
    const bool first_in_line = out.queue == here || out.queue == it.queue;
    const room found = room_in(out.queue, more, more_bytes, &it, first_in_line);
    const auto& options = std::ranges::find(queues, out.queue, &its_queue::id)->options;
    const bool too_large = more > options.max_jobs || more_bytes > options.max_bytes;
    if (found == room::none) return {room::none, {}, too_large ? reason::too_large : reason::output_full};
    if (found == room::later && answer.found != room::later) answer = {room::later, out.queue};
  }
  return answer;
}

finish_status model::finish(session_id who, const finish_request& request, instant at) {
  begin(at);
  const its_job* const it = held(who, request.job);
  if (it == nullptr) return finish_status::not_found;
  forget_finish(request.job);
  finish_status status = finish_status::waiting;
  if (request.result == outcome::ok) {
    const auto [found, where, refusal] = room_for(*it, request.outputs, {});
    if (found == room::later) {
      auto& last = line.emplace_back();
      last.session = who, last.queue = where, last.job = request.job, last.finish = request;
    } else {
      status = carry_out(request.job, request, found, refusal);
    }
  } else if (request.result == outcome::later) {
    status = postpone(request.job, request);
  } else if (request.result == outcome::interrupted) {
    its_job& it_now = *job(request.job);
    it_now.error_text = request.error_text;
    observe_attempt(it_now);
    status = interrupt(request.job, request.dead_letter, request.deliveries_max);
  } else {
    const auto why = request.result == outcome::timeout     ? reason::timeout
                     : request.result == outcome::cancelled ? reason::cancelled
                                                            : reason::failed;
    status = fail(request.job, request.result, why, request);
  }
  settle();
  return status;
}

finish_status model::carry_out(job_id which, finish_request request, room found, reason refusal) {
  if (found == room::none) {
    request.error_text = refusal == reason::too_large
                             ? "an output is larger than its queue may hold or than a job on disk can be"
                             : "an output queue is full";
    request.is_final = false;
    request.over_limit = false;
    return fail(which, outcome::failed, refusal, request);
  }
  observe_done(*job(which));
  end_job(which, outcome::ok, request.result_text);
  for (const auto& out : request.outputs) {
    std::uint64_t more = 0, more_bytes = 0;
    for (const auto& each : request.outputs) {
      if (each.queue == out.queue) ++more, more_bytes += each.job.content.size();
    }
    drop_for(out.queue, more, more_bytes);
  }
  for (const auto& out : request.outputs) put_job(out.queue, out.job);
  return finish_status::done;
}

bool model::withdraw_finish(session_id who, job_id which) {
  const auto it = std::ranges::find(line, which, &in_line::job);
  if (held(who, which) == nullptr || it == line.end()) return false;
  const queue_id from = it->queue;
  line.erase(it);
  mark_unsettled(from);
  settle();
  return true;
}

/// The job slips away from whoever's finish of it waits.
void model::forget_finish(job_id which) {
  const auto it = std::ranges::find(line, which, &in_line::job);
  if (it == line.end()) return;
  const auto [who, from] = std::pair{it->session, it->queue};
  line.erase(it);
  mark_unsettled(from);
  tell(event::kind::finish_done, who, which, finish_status::not_found);
}

}  // namespace millrace::engine::testing
