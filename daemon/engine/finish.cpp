#include "engine/finish.hpp"

#include <algorithm>
#include <cassert>
#include <memory>

#include "engine/admission.hpp"
#include "engine/transitions.hpp"

namespace millrace::engine {

namespace {

/// The capacity in `into` that the removal of the job makes.
demand leaving(const job& record, slot into) noexcept {
  if (record.queue != into) return {.jobs = 0};
  return {.jobs = 0, .leaving_jobs = 1, .leaving_bytes = record.content.size()};
}

/// Fills `all.demands`, one for each queue. False if an output names no queue.
bool add_up(core& all, const job& record, const std::vector<output>& outputs) {
  all.demands.clear();
  for (const output& out : outputs) {
    if (all.queues.find(out.queue) == nullptr) return false;
    const slot into = queue_table::place_of(out.queue);
    auto found = std::ranges::find(all.demands, into, &std::pair<slot, demand>::first);
    if (found == all.demands.end()) found = all.demands.insert(found, {into, leaving(record, into)});
    ++found->second.jobs;
    found->second.bytes += out.job.content.size();
  }
  return true;
}

struct verdict {
  capacity found{capacity::free};
  slot full_queue{no_slot};             ///< `later`: the queue to wait for
  reason refusal{reason::output_full};  ///< `none`: why
};

/// All or none: one queue without capacity refuses or delays the whole finish. `freed_queue`: the queue whose first
/// waiter this finish is.
verdict capacity_for_all(core& all, const job& record, const std::vector<output>& outputs, slot freed_queue) {
  if (outputs.empty()) return {};
  if (all.ids_left() < outputs.size()) return {capacity::none, no_slot, reason::no_ids};
  if (!add_up(all, record, outputs)) return {capacity::none, no_slot};
  verdict total;
  for (const auto& [into, needed] : all.demands) {
    // Where the job itself makes the capacity, it need not wait behind others: they wait for such a job to leave.
    const bool first = into == freed_queue || into == record.queue;
    switch (capacity_in(all.queues[into], needed, first)) {
      case capacity::none:
        return {capacity::none, into, all.queues[into].could_fit(needed) ? reason::output_full : reason::too_large};
      case capacity::later:
        if (total.found != capacity::later) total = {capacity::later, into};
        break;
      case capacity::after_drops:
      case capacity::free:
        break;
    }
  }
  return total;
}

void complete(core& all, slot at, finish_request&& request) {
  queue& origin = all.queue_of(all.jobs[at]);
  observe_done(all, at);
  origin.counts.finished[static_cast<std::size_t>(outcome::ok)].add();
  end_job(all, at);
  if (request.outputs.empty()) return;
  for (const auto& [into, needed] : all.demands) {
    drop_until_fits(all, all.queues[into], {.jobs = needed.jobs, .bytes = needed.bytes});
  }
  for (output& out : request.outputs) put_job(all, *all.queues.find(out.queue), std::move(out.job));
}

std::string shortened(std::string&& text) {
  if (text.size() > error_text_bytes_max) {
    auto end = error_text_bytes_max;
    // Not in the middle of a UTF-8 character.
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0u) == 0x80u) --end;
    text.resize(end);
    text.shrink_to_fit();
  }
  return std::move(text);
}

reason reason_of(outcome result) noexcept {
  switch (result) {
    case outcome::timeout:
      return reason::timeout;
    case outcome::cancelled:
      return reason::cancelled;
    default:
      return reason::failed;
  }
}

bool dead_letter(core& all, slot at, queue_id letters, reason cause, failure_record& failure) {
  queue* const into = all.queues.find(letters);
  if (into == nullptr || all.ids_left() == 0) return false;
  const job& record = all.jobs[at];
  const slot place = queue_table::place_of(letters);
  auto needed = leaving(record, place);
  needed.jobs = 1;
  needed.bytes = record.content.size();
  const auto found = capacity_in(*into, needed, place == record.queue);
  if (found == capacity::later || found == capacity::none) return false;

  all.queue_of(record).counts.dead_lettered[static_cast<std::size_t>(cause)].add();
  put_request letter{
      .content = record.content.content(), .priority = record.priority, .delay = duration{0}, .ttr = record.ttr};
  end_job(all, at);
  drop_until_fits(all, *into, {.jobs = 1, .bytes = letter.content.size()});
  put_job(all, *into, std::move(letter), std::move(failure));
  return true;
}

finish_answer fail(core& all, slot at, outcome result, reason cause, finish_request&& request) {
  queue& origin = all.queue_of(all.jobs[at]);
  observe_done(all, at);
  origin.counts.finished[static_cast<std::size_t>(result)].add();
  failure_record failure{.failures = all.jobs.history_if_any(at).failures,
                         .error_text = shortened(std::move(request.error_text))};
  // A drain or a cancellation is no failure of the job.
  if (result != outcome::cancelled) ++failure.failures;
  if (request.dead_letter && dead_letter(all, at, *request.dead_letter, cause, failure)) {
    return {finish_status::dead_lettered, result};
  }
  origin.counts.buried[static_cast<std::size_t>(cause)].add();
  job_history& history = all.jobs.history_of(at);
  ++history.buries;
  history.failures = failure.failures;
  history.error_text = std::move(failure.error_text);
  make_buried(all, at);
  return {finish_status::buried, result};
}

finish_answer fail_for_outputs(core& all, slot at, reason refusal, finish_request&& request) {
  request.error_text = text_of_output_refusal(refusal);
  auto answer = fail(all, at, outcome::failed, refusal, std::move(request));
  answer.refusal = refusal;
  return answer;
}

/// Removes it from the waiters and from its job.
std::unique_ptr<capacity_waiter> take_out(core& all, capacity_waiter& waiter) {
  all.jobs[waiter.job].has_waiting = false;
  all.jobs.history_of(waiter.job).finish = nullptr;
  return std::unique_ptr<capacity_waiter>{all.queues[waiter.queue].putters.leave(waiter)};
}

void stand(core& all, std::unique_ptr<capacity_waiter> waiter, slot full_queue) {
  const slot at = waiter->job;
  all.jobs[at].has_waiting = true;
  all.jobs.history_of(at).finish = stand_in_line(all.queues[full_queue], std::move(waiter));
}

void tell_done(core& all, session_id client, job_id id, finish_answer answer) {
  event decision;
  decision.type = event::kind::finish_done;
  decision.session = client;
  decision.id = id;
  decision.finish = answer;
  all.events.push_back(std::move(decision));
}

}  // namespace

finish_answer finish(core& all, session& client, slot at, finish_request&& request) {
  assert(request.result != outcome::dropped && request.result != outcome::deleted);
  if (all.jobs[at].has_waiting) forget_waiting_finish(all, at);
  if (request.result != outcome::ok)
    return fail(all, at, request.result, reason_of(request.result), std::move(request));
  if (request.output_refusal) return fail_for_outputs(all, at, *request.output_refusal, std::move(request));
  const auto [found, full_queue, refusal] = capacity_for_all(all, all.jobs[at], request.outputs, no_slot);
  switch (found) {
    case capacity::none:
      return fail_for_outputs(all, at, refusal, std::move(request));
    case capacity::later: {
      auto waiting = std::make_unique<capacity_waiter>();
      waiting->session = session_table::place_of(client);
      waiting->job = at;
      waiting->request = std::move(request);
      waiting->since = all.now;
      stand(all, std::move(waiting), full_queue);
      return {finish_status::waiting, outcome::ok};
    }
    case capacity::after_drops:
    case capacity::free:
      break;
  }
  complete(all, at, std::move(request));
  return {finish_status::done, outcome::ok};
}

bool admit_finish(core& all, queue& freed_queue, capacity_waiter& waiter) {
  auto& request = std::get<finish_request>(waiter.request);
  const slot at = waiter.job;
  const slot place = queue_table::place_of(freed_queue);
  const auto [found, full_queue, refusal] = capacity_for_all(all, all.jobs[at], request.outputs, place);
  if (found == capacity::later && full_queue == place) return false;

  auto taken = take_out(all, waiter);
  if (found == capacity::later) {
    stand(all, std::move(taken), full_queue);
    return true;
  }
  const session_id client = all.sessions[waiter.session].id;
  const job_id id = all.jobs[at].id;
  finish_answer answer{finish_status::done, outcome::ok};
  if (found == capacity::none) {
    answer = fail_for_outputs(all, at, refusal, std::move(request));
  } else {
    complete(all, at, std::move(request));
  }
  tell_done(all, client, id, answer);
  return true;
}

bool withdraw_finish(core& all, slot at) {
  if (!all.jobs[at].has_waiting) return false;
  const auto gone = take_out(all, *all.jobs.history_of(at).finish);
  look_again(all, all.queues[gone->queue]);
  return true;
}

void forget_waiting_finish(core& all, slot at) {
  const session_id client = all.sessions[all.jobs[at].holder].id;
  withdraw_finish(all, at);
  tell_done(all, client, all.jobs[at].id, {finish_status::not_found, outcome::deleted});
}

}  // namespace millrace::engine
