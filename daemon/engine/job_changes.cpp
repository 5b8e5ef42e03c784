#include "engine/job_changes.hpp"

#include <algorithm>
#include <string>

#include "engine/expiry.hpp"
#include "engine/job_ends.hpp"
#include "engine/recording.hpp"
#include "engine/subscriptions.hpp"
#include "engine/transitions.hpp"

namespace millrace::engine {

namespace {

/// The queue of that name, which is created if there is none; nullptr beyond `queues_max`.
queue* find_or_create(core& core, const std::string& name) {
  if (queue* const found = core.queues.find(name)) return found;
  return core.queues.size() < core.limits.queues_max ? &add_queue(core, name) : nullptr;
}

/// A job that is redriven begins as after its put, but for the time of that.
void forget_failures(core& core, slot at, bool keep_counts) {
  job_history& history = core.jobs.history_of(at);
  history.error_text = {};
  history.details.cause.reset();
  history.details.origin = {};
  // A dead letter does not expire; from now on it has as long as it had after its put.
  if (history.details.expires_at != never)
    history.details.expires_at = after(core.now, time_between(core.jobs[at].put_at, history.details.expires_at));
  if (keep_counts) return;
  history.failures = history.interruptions = history.laters = 0;
  history.details.first_failure = history.details.last_failure = never;
}

/// The queue that the job is to go into.
struct destination {
  queue* into{nullptr};
  change_result refusal{change_result::changed};
};

destination destination_of(core& core, slot at, const std::string& name) {
  queue* const into = find_or_create(core, name);
  if (into == nullptr) return {nullptr, change_result::too_many_queues};
  if (into == &core.queue_of(core.jobs[at])) return {nullptr, change_result::same_queue};
  if (!can_be_stored(core, at, *into)) {
    mark_for_update(core, *into);
    return {nullptr, change_result::no_space};
  }
  return {into};
}

change_result redrive(core& core, slot at, const job_change& wanted) {
  const std::string& origin = core.jobs.history_if_any(at).details.origin;
  if (wanted.queue.empty() && origin.empty()) return change_result::no_origin;
  const auto [into, refusal] = destination_of(core, at, wanted.queue.empty() ? origin : wanted.queue);
  if (into == nullptr) return refusal;
  forget_failures(core, at, wanted.keep_counts);
  move_job(core, at, *into, job_state::ready);
  return change_result::changed;
}

change_result move(core& core, slot at, const job_change& wanted) {
  const auto [into, refusal] = destination_of(core, at, wanted.queue);
  if (into == nullptr) return refusal;
  job& record = core.jobs[at];
  auto state = record.state;
  if (state == job_state::delayed) {
    record.delay = std::max(time_between(core.now, due_of(record)), duration::zero());
    if (record.delay == duration::zero()) state = job_state::ready;
  }
  move_job(core, at, *into, state);
  return change_result::changed;
}

}  // namespace

void delete_job(core& core, slot at) {
  core.queue_of(core.jobs[at]).counts.deletes.add();
  end_job(core, at, outcome::deleted);
}

void kick_job(core& core, slot at) {
  ++core.jobs.history_of(at).kicks;
  core.queue_of(core.jobs[at]).counts.kicked.add();
  // An expired job that its dead letter queue refuses can only be buried: a kick takes it out of there.
  if (is_expired(core, at) && expire(core, at) != finish_status::buried) return;
  make_ready(core, at);
}

void set_priority(core& core, slot at, priority value) {
  job& record = core.jobs[at];
  if (record.priority == value) return;
  queue& owner = core.queue_of(record);
  const bool is_ready = record.state == job_state::ready;
  const auto count_urgent = [&](int by) {
    if (!is_ready || record.priority >= urgent_below) return;
    owner.urgent += static_cast<std::uint32_t>(by);
    core.urgent += static_cast<std::uint64_t>(by);
  };
  count_urgent(-1);
  if (is_ready) owner.ready.remove(core.jobs, at);
  record.priority = value;
  if (is_ready) owner.ready.insert(core.jobs, at);
  count_urgent(1);
  record_move(core, at, {.to = record.state, .due = record.state == job_state::delayed ? due_of(record) : instant{}});
}

change_result change_job(core& core, slot at, const job_change& wanted) {
  const auto state = core.jobs[at].state;
  if (state == job_state::reserved) return change_result::wrong_state;
  switch (wanted.type) {
    case job_change::kind::redrive:
      return redrive(core, at, wanted);
    case job_change::kind::move:
      return move(core, at, wanted);
    case job_change::kind::cancel:
      cancel_job(core, at);
      return change_result::changed;
    case job_change::kind::erase:
      delete_job(core, at);
      return change_result::changed;
    case job_change::kind::kick:
      if (state == job_state::ready) return change_result::wrong_state;
      kick_job(core, at);
      return change_result::changed;
    case job_change::kind::set_priority:
      set_priority(core, at, wanted.priority);
      return change_result::changed;
  }
  return change_result::wrong_state;
}

}  // namespace millrace::engine
