#include "engine/admission.hpp"

#include "engine/finish.hpp"
#include "engine/groups.hpp"
#include "engine/job_ends.hpp"
#include "engine/transitions.hpp"

namespace millrace::engine {

namespace {

demand demand_of(const put_request& request) noexcept { return {.jobs = 1, .bytes = request.content.size()}; }

put_answer refuse(queue& by, reason cause, put_status status) {
  by.counts.rejected.add(cause);
  return {status, {}, cause};
}

/// False: it goes on waiting.
bool admit_put(core& core, queue& into, capacity_waiter& waiter) {
  if (core.ids_left() == 0) return false;
  auto& request = std::get<put_request>(waiter.request);
  const auto needed = demand_of(request);
  const auto found = capacity_in(into, needed, true);
  // Limits may have become smaller than a job that already waits: the queue takes it when it is empty.
  if (found != capacity::free && found != capacity::after_drops && into.jobs() != 0) return false;
  if (found == capacity::after_drops) drop_until_fits(core, into, needed);

  const std::unique_ptr<capacity_waiter> admitted{into.capacity_waiters.leave(waiter)};
  session& client = core.sessions[waiter.session];
  client.put = nullptr;
  event decision;
  decision.type = event::kind::put_admitted;
  decision.session = client.id;
  decision.id = put_job(core, into, std::move(request));
  core.events.push_back(std::move(decision));
  return true;
}

bool admit_first(core& core, queue& into, capacity_waiter& first) {
  if (first.group) return admit_outcome(core, into, first);
  return first.job == no_slot ? admit_put(core, into, first) : admit_finish(core, into, first);
}

void admit(core& core, queue& into) {
  while (!into.capacity_waiters.empty()) {
    capacity_waiter& first = into.capacity_waiters.first();
    if (!admit_first(core, into, first)) return;
  }
}

void remove_queue(core& core, queue& target) {
  if (target.row != queue_rows::none) {
    core.rows.retire(target.row, target.counts, core.now);
  } else {
    add_counts(core.removed_counts, target.counts);
  }
  // One of that name which comes later is another queue.
  if (target.paused()) core.record_change(queue_paused{target.id, no_pause, duration{0}, target.options.durability});
  core.due.clear(target.pause_end);
  core.queues.remove(target);
}

}  // namespace

capacity capacity_in(const queue& into, const demand& needed, bool is_first) {
  if (!into.could_fit(needed)) return capacity::none;
  const bool next = is_first || into.capacity_waiters.empty();
  if (next && into.fits(needed)) return capacity::free;
  switch (into.options.when_full) {
    case overflow::block:
      return capacity::later;
    case overflow::reject:
      return capacity::none;
    case overflow::drop_oldest:
      return next && into.fits_after_drops(needed) ? capacity::after_drops : capacity::none;
  }
  return capacity::none;
}

void drop_until_fits(core& core, queue& target, const demand& needed) {
  while (!target.fits(needed)) {
    end_job(core, target.at(job_state::ready).first, outcome::dropped);
  }
}

put_answer put(core& core, session& client, queue& into, put_request&& request) {
  if (core.refusing_puts) return refuse(into, reason::draining, put_status::draining);
  if (core.ids_left() == 0) return refuse(into, reason::no_ids, put_status::refused);
  if (request.group) {
    if (const auto cause = refusal_to_join(core, request.group)) return refuse(into, *cause, put_status::refused);
  }
  const auto needed = demand_of(request);
  switch (capacity_in(into, needed, false)) {
    case capacity::none:
      return refuse(into, into.could_fit(needed) ? reason::overflow : reason::too_large, put_status::refused);
    case capacity::later: {
      auto waiting = std::make_unique<capacity_waiter>();
      waiting->session = session_table::slot_of(client);
      waiting->request = std::move(request);
      waiting->since = core.now;
      client.put = enqueue_waiter(into, std::move(waiting));
      return {put_status::waiting, {}};
    }
    case capacity::after_drops:
      drop_until_fits(core, into, needed);
      [[fallthrough]];
    case capacity::free:
      break;
  }
  return {put_status::inserted, put_job(core, into, std::move(request))};
}

bool withdraw_put(core& core, session& client) {
  if (client.put == nullptr) return false;
  queue& at = core.queues[client.put->queue];
  const std::unique_ptr<capacity_waiter> gone{at.capacity_waiters.leave(*client.put)};
  client.put = nullptr;
  ++core.departures;
  mark_for_update(core, at);
  return true;
}

capacity_waiter* enqueue_waiter(queue& at, std::unique_ptr<capacity_waiter> waiter) {
  waiter->queue = queue_table::slot_of(at);
  at.capacity_waiters.join(waiter.get());
  return waiter.release();
}

namespace {

void update_queues(core& core) {
  // What is admitted may free capacity elsewhere: the list grows while it is walked.
  for (std::size_t i = 0; i < core.queues_to_update.size(); ++i) {
    queue& target = core.queues[core.queues_to_update[i]];
    target.to_update = false;
    admit(core, target);
    if (target.idle() && !target.to_update) remove_queue(core, target);
  }
  core.queues_to_update.clear();
}

}  // namespace

void update_groups_and_queues(core& core) {
  // What is admitted may end members of groups, and an outcome may free capacity or wait for it.
  while (!core.queues_to_update.empty() || !core.groups.touched.empty()) {
    update_groups(core);
    update_queues(core);
  }
}

}  // namespace millrace::engine
