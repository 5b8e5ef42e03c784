#include "engine/groups.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "engine/group_steps.hpp"

namespace millrace::engine {

result<group_id> open_group(core& core, session* owner, group_request&& request) {
  auto& groups = core.groups;
  if (groups.size() >= core.limits.groups_max)
    return error{errc::refused, "groups are limited to " + std::to_string(core.limits.groups_max)};
  group* outer = nullptr;
  if (request.outer) {
    outer = groups.find(request.outer);
    if (outer == nullptr || refusal_to_join(core, request.outer))
      return error{errc::not_found, "the outer group takes no members"};
  }
  auto kept_on = request.durability;
  if (!request.outcome_queue.empty()) {
    const queue* const outcomes = core.queues.find(request.outcome_queue);
    // The queue is made when there is an outcome, then whatever the limit is.
    if (outcomes == nullptr && core.queues.size() >= core.limits.queues_max)
      return error{errc::refused, "queues are limited to " + std::to_string(core.limits.queues_max)};
    kept_on = std::max(kept_on, (outcomes == nullptr ? core.defaults : outcomes->options).durability);
  }
  group_facts facts{.name = std::move(request.name),
                    .outcome_queue = std::move(request.outcome_queue),
                    .ends_with = request.ends_with,
                    .remaining = request.remaining,
                    .opened_at = core.now,
                    .outer = request.outer};
  if (outer != nullptr) {
    facts.outer_place = outer->facts.members++;
    outer->members.emplace_back();
    touch(core, *outer);
  }
  group& opened = groups.add(group_id{groups.last + 1}, std::move(facts));
  opened.durability = kept_on;
  if (outer != nullptr) groups.outcome_places.insert(place_of_outcome(opened.facts));
  opened.open_until = after(core.now, core.limits.group_open_max);
  if (owner != nullptr) {
    opened.owner = owner->id;
    owner->groups.push_back(opened.id);
  }
  set_deadline(core, opened);
  touch(core, opened);
  return opened.id;
}

bool close_group(core& core, group_id id) {
  group* const found = core.groups.find(id);
  if (found == nullptr || found->closed) return false;
  set_closed(core, *found);
  return true;
}

void close_groups_of(core& core, session& owner) {
  while (!owner.groups.empty()) set_closed(core, *core.groups.find(owner.groups.front()));
}

std::optional<group_id> continue_group(core& core, session& owner, std::string_view name) {
  group* const found = core.groups.find_continuable(name);
  if (found == nullptr) return std::nullopt;
  found->may_continue = false;
  found->owner = owner.id;
  owner.groups.push_back(found->id);
  set_deadline(core, *found);
  return found->id;
}

bool release_group(core& core, group_id id) {
  group* const found = core.groups.find(id);
  if (found == nullptr || found->closed) return false;
  if (session* const owner = core.sessions.find(found->owner)) std::erase(owner->groups, id);
  found->owner = {};
  found->may_continue = true;
  found->open_until = after(core.now, core.limits.group_open_max);
  set_deadline(core, *found);
  return true;
}

namespace {

std::optional<reason> refusal_of(const core& core, const group* into) {
  if (into == nullptr || !into->may_join()) return reason::cancelled;
  if (into->facts.members >= core.limits.group_members_max) return reason::overflow;
  return std::nullopt;
}

}  // namespace

std::optional<reason> refusal_to_join(const core& core, group_id id) { return refusal_of(core, core.groups.find(id)); }

bool join_group(core& core, slot at, const put_request& request) {
  group* const into = core.groups.find(request.group);
  if (into == nullptr) return false;
  std::uint32_t place = into->facts.members;
  if (request.group_place) {
    place = *request.group_place;
    if (place >= into->members.size() || into->members[place].has_ended) return false;
  } else {
    if (refusal_of(core, into)) return false;
    ++into->facts.members;
    into->members.emplace_back();
  }
  into->members[place].end.job = core.jobs[at].id;
  job_details& details = core.jobs.history_of(at).details;
  core.jobs[at].in_group = true;
  details.group = request.group;
  details.group_place = place;
  // A group that may be joined is not decided by that: only the store has to know.
  if (is_recorded(*into)) touch(core, *into);
  return true;
}

bool cancels_late_members(const core& core, group_id id) {
  const group* const found = core.groups.find(id);
  return found != nullptr && found->ended() && found->facts.remaining == remaining_members::cancel;
}

void note_member_end(core& core, const job_details& member, outcome result, std::string_view text) {
  group* const found = core.groups.find(member.group);
  if (found == nullptr || member.group_place >= found->members.size()) return;
  // A buried member that was kicked has ended before.
  if (found->members[member.group_place].has_ended) return;
  end_member(core, *found, member.group_place, result, text);
}

void restore_group(core& core, kept_group&& kept) {
  group& back = core.groups.add(kept.group, std::move(kept.facts));
  // The store does not keep it. It rises to that of the outcome's queue, and of the jobs that are still there.
  const queue* const outcomes = core.queues.find(back.facts.outcome_queue);
  back.durability =
      std::max(durability::relaxed, outcomes == nullptr ? durability::memory : outcomes->options.durability);
  back.restored = true;
  back.open_until = after(core.now, core.limits.group_open_max);
  // Whether an ended group that keeps its members was closed too, no store knows: its producer may go on with it.
  back.closed = back.facts.state == group_state::closed || !back.may_join();
  back.may_continue = true;
  back.members.resize(back.facts.members);
  for (auto& [place, member] : kept.ended) {
    if (place >= back.members.size()) back.members.resize(std::size_t{place} + 1);
    back.text_bytes += member.text.size();
    back.members[place] = {std::move(member), true};
  }
  core.groups.text_bytes += back.text_bytes;
  if (back.facts.outer && !back.facts.outcome_put) core.groups.outcome_places.insert(place_of_outcome(back.facts));
  set_deadline(core, back);
}

void restore_member(core& core, const queue& owner, job_id job, job_details& details) {
  core.groups.last = std::max(core.groups.last, details.group.value());
  group* const found = core.groups.find(details.group);
  if (found == nullptr) {
    details.group = {};
    details.group_place = 0;
    return;
  }
  found->durability = std::max(found->durability, owner.options.durability);
  auto& members = found->members;
  if (details.group_place >= members.size()) members.resize(std::size_t{details.group_place} + 1);
  members[details.group_place].end.job = job;
}

}  // namespace millrace::engine
