#include "engine/finish.hpp"

#include <algorithm>
#include <cassert>
#include <memory>

#include "base/utf8.hpp"
#include "engine/admission.hpp"
#include "engine/expiry.hpp"
#include "engine/job_ends.hpp"
#include "engine/retry.hpp"
#include "engine/transitions.hpp"

namespace millrace::engine {

namespace {

/// The capacity in `into` that the removal of the job makes.
demand leaving(const job& record, slot into) noexcept {
  if (record.queue != into) return {.jobs = 0};
  return {.jobs = 0, .leaving_jobs = 1, .leaving_bytes = record.content.size()};
}

/// Fills `core.demands`, one for each queue. False if an output names no queue.
bool add_up(core& core, const job& record, const std::vector<output>& outputs) {
  core.demands.clear();
  for (const output& out : outputs) {
    if (core.queues.find(out.queue) == nullptr) return false;
    const slot into = queue_table::slot_of(out.queue);
    auto found = std::ranges::find(core.demands, into, &std::pair<slot, demand>::first);
    if (found == core.demands.end()) found = core.demands.insert(found, {into, leaving(record, into)});
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
verdict capacity_for_all(core& core, const job& record, const std::vector<output>& outputs, slot freed_queue) {
  if (outputs.empty()) return {};
  if (core.ids_left() < outputs.size()) return {capacity::none, no_slot, reason::no_ids};
  if (!add_up(core, record, outputs)) return {capacity::none, no_slot};
  verdict total;
  for (const auto& [into, needed] : core.demands) {
    // Where the job itself makes the capacity, it need not wait behind others: they wait for such a job to leave.
    const bool first = into == freed_queue || into == record.queue;
    switch (capacity_in(core.queues[into], needed, first)) {
      case capacity::none:
        return {capacity::none, into, core.queues[into].could_fit(needed) ? reason::output_full : reason::too_large};
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

void complete(core& core, slot at, finish_request&& request) {
  observe_done(core, at);
  end_job(core, at, outcome::ok, request.result_text);
  if (request.outputs.empty()) return;
  for (const auto& [into, needed] : core.demands) {
    drop_until_fits(core, core.queues[into], {.jobs = needed.jobs, .bytes = needed.bytes});
  }
  for (output& out : request.outputs) put_job(core, *core.queues.find(out.queue), std::move(out.job));
}

std::string shortened(std::string&& text) {
  if (text.size() > error_text_bytes_max) {
    text.resize(utf8_prefix(text, error_text_bytes_max).size());
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

void note_failure(const core& core, job_history& history) {
  ++history.failures;
  history.details.last_failure = core.now;
  if (history.details.first_failure == never) history.details.first_failure = core.now;
}

/// The job would wait for another attempt, but its time is over.
finish_answer end_expired(core& core, slot at, const finish_request& request) {
  observe_done(core, at);
  return {expire(core, at, request.dead_letter), outcome::expired};
}

/// None: its retries allow no other attempt.
std::optional<finish_answer> retry(core& core, slot at, outcome result, const finish_request& request) {
  const job& record = core.jobs[at];
  const retry_options& options = request.retry ? *request.retry : core.queue_of(record).options.retry;
  const auto failures = core.jobs.history_if_any(at).failures;
  const auto wait = wait_before_retry(options, record.id, failures);
  if (!wait || !is_within(options, record.put_at, after(core.now, *wait))) return std::nullopt;
  if (is_expired(core, at)) return end_expired(core, at, request);
  core.queue_of(record).counts.retried.add();
  observe_attempt(core, at);
  make_delayed(core, at, *wait);
  return finish_answer{.status = finish_status::retried, .outcome = result, .retry_in = *wait};
}

finish_answer fail(core& core, slot at, outcome result, reason cause, finish_request&& request) {
  job_history& history = core.jobs.history_of(at);
  history.error_text = shortened(std::move(request.error_text));
  // A drain or a cancellation is no failure of the job.
  if (result != outcome::cancelled) {
    note_failure(core, history);
    if (request.is_final) {
      cause = reason::rejected;
    } else if (const auto retried = retry(core, at, result, request)) {
      return *retried;
    } else if (request.over_limit) {
      cause = reason::limit;
    }
  }
  observe_done(core, at);
  const bool moved = give_up_job(core, at, result, cause, request.dead_letter);
  return {moved ? finish_status::dead_lettered : finish_status::buried, result};
}

/// Why a job may not be postponed; empty: it may.
std::string_view refusal_to_postpone(const core& core, slot at, const finish_request& request, duration wait) {
  const job& record = core.jobs[at];
  if (core.jobs.history_if_any(at).laters >= laters_max) return "its handler has postponed it too often";
  const retry_options& options = request.retry ? *request.retry : core.queue_of(record).options.retry;
  if (!is_within(options, record.put_at, after(core.now, wait)))
    return "its handler wants to postpone it beyond `within` of its retries";
  return {};
}

finish_answer postpone(core& core, slot at, finish_request&& request) {
  const auto wait = std::clamp(request.later_after, duration::zero(), later_after_max);
  if (const auto refusal = refusal_to_postpone(core, at, request, wait); !refusal.empty()) {
    request.error_text = refusal;
    return fail(core, at, outcome::failed, reason::failed, std::move(request));
  }
  if (is_expired(core, at)) return end_expired(core, at, request);
  ++core.jobs.history_of(at).laters;
  core.queue_of(core.jobs[at]).counts.postponed.add();
  observe_attempt(core, at);
  make_delayed(core, at, wait);
  return {finish_status::postponed, outcome::later};
}

/// The worker of the job ended without an answer. The error of the request says how.
finish_answer interrupt(core& core, slot at, finish_request&& request) {
  core.jobs.history_of(at).error_text = shortened(std::move(request.error_text));
  observe_attempt(core, at);
  const bool expired = is_expired(core, at);
  const auto status = interrupt_job(core, at, request.dead_letter, request.deliveries_max);
  if (status == finish_status::interrupted) return {status, outcome::interrupted};
  return {status, expired ? outcome::expired : outcome::failed};
}

finish_answer fail_for_outputs(core& core, slot at, reason refusal, finish_request&& request) {
  request.error_text = text_of_output_refusal(refusal);
  request.is_final = false;
  request.over_limit = false;
  auto answer = fail(core, at, outcome::failed, refusal, std::move(request));
  answer.refusal = refusal;
  return answer;
}

/// Removes it from the waiters and from its job.
std::unique_ptr<capacity_waiter> take_out(core& core, capacity_waiter& waiter) {
  core.jobs[waiter.job].has_waiting_finish = false;
  core.jobs.history_of(waiter.job).finish = nullptr;
  return std::unique_ptr<capacity_waiter>{core.queues[waiter.queue].capacity_waiters.leave(waiter)};
}

void enqueue_finish(core& core, std::unique_ptr<capacity_waiter> waiter, slot full_queue) {
  const slot at = waiter->job;
  core.jobs[at].has_waiting_finish = true;
  core.jobs.history_of(at).finish = enqueue_waiter(core.queues[full_queue], std::move(waiter));
}

[[maybe_unused]] bool may_be_requested(outcome result) noexcept {
  return result != outcome::dropped && result != outcome::deleted && result != outcome::expired;
}

void tell_done(core& core, session_id client, job_id id, finish_answer answer) {
  event decision;
  decision.type = event::kind::finish_done;
  decision.session = client;
  decision.id = id;
  decision.finish = answer;
  core.events.push_back(std::move(decision));
}

}  // namespace

finish_answer finish(core& core, session& client, slot at, finish_request&& request) {
  assert(may_be_requested(request.result));
  if (core.jobs[at].has_waiting_finish) forget_waiting_finish(core, at);
  if (request.result == outcome::later) return postpone(core, at, std::move(request));
  if (request.result == outcome::interrupted) return interrupt(core, at, std::move(request));
  if (request.result != outcome::ok)
    return fail(core, at, request.result, reason_of(request.result), std::move(request));
  if (request.output_refusal) return fail_for_outputs(core, at, *request.output_refusal, std::move(request));
  const auto [found, full_queue, refusal] = capacity_for_all(core, core.jobs[at], request.outputs, no_slot);
  switch (found) {
    case capacity::none:
      return fail_for_outputs(core, at, refusal, std::move(request));
    case capacity::later: {
      auto waiting = std::make_unique<capacity_waiter>();
      waiting->session = session_table::slot_of(client);
      waiting->job = at;
      waiting->request = std::move(request);
      waiting->since = core.now;
      enqueue_finish(core, std::move(waiting), full_queue);
      return {finish_status::waiting, outcome::ok};
    }
    case capacity::after_drops:
    case capacity::free:
      break;
  }
  complete(core, at, std::move(request));
  return {finish_status::done, outcome::ok};
}

bool admit_finish(core& core, queue& freed_queue, capacity_waiter& waiter) {
  auto& request = std::get<finish_request>(waiter.request);
  const slot at = waiter.job;
  const slot freed_slot = queue_table::slot_of(freed_queue);
  const auto [found, full_queue, refusal] = capacity_for_all(core, core.jobs[at], request.outputs, freed_slot);
  if (found == capacity::later && full_queue == freed_slot) return false;

  auto taken = take_out(core, waiter);
  if (found == capacity::later) {
    enqueue_finish(core, std::move(taken), full_queue);
    return true;
  }
  const session_id client = core.sessions[waiter.session].id;
  const job_id id = core.jobs[at].id;
  finish_answer answer{finish_status::done, outcome::ok};
  if (found == capacity::none) {
    answer = fail_for_outputs(core, at, refusal, std::move(request));
  } else {
    complete(core, at, std::move(request));
  }
  tell_done(core, client, id, answer);
  return true;
}

bool withdraw_finish(core& core, slot at) {
  if (!core.jobs[at].has_waiting_finish) return false;
  const auto gone = take_out(core, *core.jobs.history_of(at).finish);
  mark_for_update(core, core.queues[gone->queue]);
  return true;
}

void forget_waiting_finish(core& core, slot at) {
  const session_id client = core.sessions[core.jobs[at].holder].id;
  withdraw_finish(core, at);
  tell_done(core, client, core.jobs[at].id, {finish_status::not_found, outcome::deleted});
}

}  // namespace millrace::engine
