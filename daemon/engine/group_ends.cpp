// How groups end: the decision, the outcome, and the members that remain.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "engine/admission.hpp"
#include "engine/group_outcome.hpp"
#include "engine/group_steps.hpp"
#include "engine/groups.hpp"
#include "engine/job_ends.hpp"
#include "engine/subscriptions.hpp"
#include "engine/transitions.hpp"

namespace millrace::engine {

namespace {

bool is_decided(const group& open) noexcept {
  const auto& facts = open.facts;
  if (open.closed && open.all_members_ended()) return true;
  if (facts.ends_with == group_end::first) return facts.succeeded > 0;
  return facts.ends_with == group_end::first_failure && facts.ended > facts.succeeded;
}

void set_cancels(core& core, group& of, bool cancels) {
  if (cancels == of.cancels) return;
  of.cancels = cancels;
  cancels ? ++core.groups.in_progress : --core.groups.in_progress;
}

void end_group(core& core, group& ending) {
  ending.facts.state = group_state::ended;
  if (ending.facts.remaining == remaining_members::cancel) {
    set_closed(core, ending);
    set_cancels(core, ending, !ending.all_members_ended());
  }
  set_deadline(core, ending);
  touch(core, ending);
}

bool needs_outcome(const group& of) noexcept {
  return of.ended() && !of.cancels && !of.restored && !of.facts.outcome_queue.empty() && !of.facts.outcome_put &&
         !of.outcome_text && !of.outcome_waits && !of.outcome_refused;
}

void put_outcome_job(core& core, group& of, queue& into, put_request&& outcome) {
  if (of.facts.outer) core.groups.outcome_places.erase(place_of_outcome(of.facts));
  of.facts.outcome_put = true;
  touch(core, of);
  put_job(core, into, std::move(outcome));
}

/// The outcome can never be put: its queue is too small for the shortest one.
void refuse_outcome(core& core, group& of, queue& into) {
  into.counts.rejected.add(reason::too_large);
  of.outcome_refused = true;
  if (!of.facts.outer) return;
  core.groups.outcome_places.erase(place_of_outcome(of.facts));
  group* const outer = core.groups.find(of.facts.outer);
  if (outer == nullptr || of.facts.outer_place >= outer->members.size()) return;
  if (outer->members[of.facts.outer_place].has_ended) return;
  end_member(core, *outer, of.facts.outer_place, outcome::failed, "the queue is too small for the outcome of a group");
}

void wait_for_capacity(core& core, group& of, queue& into, put_request&& outcome) {
  auto waiting = std::make_unique<capacity_waiter>();
  waiting->group = of.id;
  waiting->request = std::move(outcome);
  waiting->since = core.now;
  enqueue_waiter(into, std::move(waiting));
  of.outcome_waits = true;
}

queue& outcome_queue_of(core& core, const group& of) {
  queue* const into = core.queues.find(of.facts.outcome_queue);
  // Whatever the limit of queues is now: the outcome is not lost to it.
  return into == nullptr ? add_queue(core, of.facts.outcome_queue) : *into;
}

/// A step of an outcome takes texts out of the group.
bool advance_outcome(core& core, group& of, group_outcome& outcome) {
  const auto bytes_before = of.text_bytes;
  const bool is_complete = outcome.advance(of);
  core.groups.text_bytes -= bytes_before - of.text_bytes;
  return is_complete;
}

void put_outcome(core& core, group& of, body&& content) {
  queue& into = outcome_queue_of(core, of);
  const demand needed{.jobs = 1, .bytes = content.size()};
  put_request outcome{.content = std::move(content)};
  if (of.facts.outer) outcome.group = of.facts.outer, outcome.group_place = of.facts.outer_place;

  const auto found = core.ids_left() == 0 ? capacity::later : capacity_in(into, needed, false);
  if (found == capacity::later || found == capacity::none) {
    wait_for_capacity(core, of, into, std::move(outcome));
    return;
  }
  if (found == capacity::after_drops) drop_until_fits(core, into, needed);
  put_outcome_job(core, of, into, std::move(outcome));
}

/// Makes a small outcome and puts it. A large one is made in steps in the next turns.
void begin_outcome(core& core, group& of) {
  const queue* const into = core.queues.find(of.facts.outcome_queue);
  const std::uint64_t queue_bytes_max = (into == nullptr ? core.defaults : into->options).max_bytes;
  const std::uint64_t bytes_max = std::min<std::uint64_t>(group_outcome_bytes_max, queue_bytes_max);
  auto outcome = std::make_unique<group_outcome>(of, static_cast<std::size_t>(bytes_max));
  if (!outcome->fits()) {
    for (auto& member : of.members) member.end.text = {};
    core.groups.text_bytes -= std::exchange(of.text_bytes, 0);
    return refuse_outcome(core, of, outcome_queue_of(core, of));
  }
  if (of.members.size() > outcome_step_members || of.text_bytes > outcome_step_bytes) {
    of.outcome_text = std::move(outcome);
    ++core.groups.in_progress;
    return set_deadline(core, of);
  }
  while (!advance_outcome(core, of, *outcome)) {
  }
  put_outcome(core, of, outcome->take());
}

/// Does one step of the outcome, and puts it after the last one.
void continue_outcome(core& core, group& of) {
  if (advance_outcome(core, of, *of.outcome_text)) {
    const auto outcome = std::exchange(of.outcome_text, nullptr);
    --core.groups.in_progress;
    touch(core, of);
    put_outcome(core, of, outcome->take());
  }
  set_deadline(core, of);
}

bool is_over(const group& of) noexcept {
  const bool outcome_done = of.facts.outcome_queue.empty() || of.facts.outcome_put || of.outcome_refused;
  return of.ended() && of.closed && of.all_members_ended() && outcome_done && !of.restored;
}

void update_group(core& core, group& changed) {
  if (!changed.ended() && !changed.restored && is_decided(changed)) end_group(core, changed);
  if (needs_outcome(changed)) begin_outcome(core, changed);
  changed.touched = false;
  if (is_recorded(changed)) core.record_change(group_changed{changed.id, changed.facts, changed.durability});
  if (changed.over || !is_over(changed)) return;
  core.groups.set_over(changed);
  while (core.groups.over_count() > core.limits.groups_ended_kept) {
    const auto [gone, kept_on] = core.groups.remove_oldest_over();
    if (kept_on != durability::memory) core.record_change(group_gone{gone, kept_on});
  }
}

/// Members that did not come back were in memory. Those whose jobs are outcomes of groups come later.
void compare_with_jobs(core& core, group& of) {
  of.restored = false;
  if (of.members.size() < of.facts.members) of.members.resize(of.facts.members);
  of.facts.members = static_cast<std::uint32_t>(of.members.size());
  const auto is_ended = [](const group::member& member) { return member.has_ended; };
  const auto is_ok = [&](const group::member& member) { return is_ended(member) && member.end.result == outcome::ok; };
  of.facts.ended = static_cast<std::uint32_t>(std::ranges::count_if(of.members, is_ended));
  of.facts.succeeded = static_cast<std::uint32_t>(std::ranges::count_if(of.members, is_ok));
  for (std::uint32_t place = 0; place < of.facts.members; ++place) {
    const auto& member = of.members[place];
    if (member.has_ended || member.end.job || core.groups.outcome_places.contains({of.id, place})) continue;
    end_member(core, of, place, outcome::dropped, "it was in memory when the daemon ended");
  }
  // What an end began is done again.
  if (of.ended() && of.facts.remaining == remaining_members::cancel) set_cancels(core, of, !of.all_members_ended());
  set_deadline(core, of);
  touch(core, of);
}

std::size_t cancel_members(core& core, group& of, std::size_t most) {
  std::size_t cancelled = 0;
  for (; of.next_cancelled < of.members.size() && cancelled < most; ++of.next_cancelled) {
    const group::member& member = of.members[of.next_cancelled];
    if (member.has_ended) continue;
    ++cancelled;
    if (const slot at = core.jobs.find(member.end.job); member.end.job && at != no_slot) {
      cancel_job(core, at);
    } else {
      end_member(core, of, of.next_cancelled, outcome::cancelled, {});
    }
  }
  if (of.next_cancelled == of.members.size()) {
    set_cancels(core, of, false);
    touch(core, of);
  }
  set_deadline(core, of);
  return cancelled;
}

}  // namespace

void update_groups(core& core) {
  // An outcome may drop members of other groups: the list grows while it is walked.
  auto& touched = core.groups.touched;
  for (std::size_t i = 0; i < touched.size(); ++i) {
    if (group* const changed = core.groups.find(touched[i])) update_group(core, *changed);
  }
  touched.clear();
}

bool admit_outcome(core& core, queue& into, capacity_waiter& waiter) {
  if (core.ids_left() == 0) return false;
  const demand needed{.jobs = 1, .bytes = std::get<put_request>(waiter.request).content.size()};
  const auto found = capacity_in(into, needed, true);
  const bool fits = found == capacity::free || found == capacity::after_drops;
  // As a put that waits: what is larger than limits that were changed meanwhile is put into the empty queue.
  if (!fits && into.jobs() != 0) return false;
  if (found == capacity::after_drops) drop_until_fits(core, into, needed);
  const std::unique_ptr<capacity_waiter> admitted{into.capacity_waiters.leave(waiter)};
  group& of = *core.groups.find(admitted->group);
  of.outcome_waits = false;
  put_outcome_job(core, of, into, std::move(std::get<put_request>(admitted->request)));
  return true;
}

std::size_t do_due_of_group(core& core, group_id id, std::size_t most) {
  group& of = *core.groups.find(id);
  if (of.restored) {
    compare_with_jobs(core, of);
    return 1;
  }
  if (of.cancels) return std::max<std::size_t>(1, cancel_members(core, of, most));
  if (of.outcome_text) {
    continue_outcome(core, of);
    // A step of an outcome takes as long as a turn may.
    return most;
  }
  set_closed(core, of);
  return 1;
}

}  // namespace millrace::engine
