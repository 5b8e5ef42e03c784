// Groups. Every count of members is computed anew.
#include <algorithm>
#include <cassert>

#include "engine/model.hpp"

namespace millrace::engine::testing {

namespace {

std::size_t count_ended(const model_group& group) {
  return static_cast<std::size_t>(std::ranges::count_if(group.members, &model_member::ended));
}
std::size_t count_succeeded(const model_group& group) {
  return static_cast<std::size_t>(std::ranges::count_if(
      group.members, [](const model_member& member) { return member.ended && member.result == outcome::ok; }));
}

/// The texts of the duel are plain ASCII.
std::string member_text(const model_member& member, bool with_text) {
  std::string text = "{\"id\":" + std::to_string(member.job.value()) + ",\"outcome\":\"";
  text += member.ended ? name_of(member.result) : "pending";
  text += '"';
  if (with_text && !member.text.empty())
    text += (member.result == outcome::ok ? ",\"text\":\"" : ",\"error\":\"") + member.text + "\"";
  if (member.is_cut || (!with_text && !member.text.empty())) text += ",\"cut\":true";
  return text + "}";
}

}  // namespace

model_group* model::find_group(group_id id) {
  const auto found = std::ranges::find(groups, id, &model_group::id);
  return found == groups.end() ? nullptr : &*found;
}

group_facts model::facts_of(const model_group& group) {
  group_facts facts;
  facts.name = group.request.name;
  facts.outcome_queue = group.request.outcome_queue;
  facts.state = group.ended ? group_state::ended : group.closed ? group_state::closed : group_state::open;
  facts.ends_with = group.request.ends_with;
  facts.remaining = group.request.remaining;
  facts.opened_at = group.opened_at;
  facts.members = static_cast<std::uint32_t>(group.members.size());
  facts.ended = static_cast<std::uint32_t>(count_ended(group));
  facts.succeeded = static_cast<std::uint32_t>(count_succeeded(group));
  facts.outcome_put = group.outcome_put;
  facts.outer = group.request.outer;
  facts.outer_place = group.outer_place;
  return facts;
}

void model::mark_touched(model_group& group) {
  if (std::ranges::count(touched_, group.id) == 0) touched_.push_back(group.id);
}

std::optional<group_id> model::open_group(const group_request& request, session_id owner, instant now) {
  begin_command(now);
  const auto unfinished = std::ranges::count_if(groups, [](const model_group& each) { return !each.over; });
  if (static_cast<std::uint32_t>(unfinished) >= limits.groups_max) return std::nullopt;
  if (request.outer && refusal_to_join(request.outer)) return std::nullopt;
  model_group group;
  group.id = group_id{++last_group_};
  group.request = request;
  group.owner = owner;
  group.opened_at = now_;
  if (!request.outcome_queue.empty())
    group.request.durability = std::max(request.durability, find_queue(request.outcome_queue)->options.durability);
  if (model_group* const outer = find_group(request.outer)) {
    group.outer_place = static_cast<std::uint32_t>(outer->members.size());
    outer->members.emplace_back();
    mark_touched(*outer);
  }
  groups.push_back(group);
  mark_touched(groups.back());
  end_command();
  return group_id{last_group_};
}

void model::set_closed(model_group& group) {
  group.closed = true;
  mark_touched(group);
}

bool model::close_group(group_id id, instant now) {
  begin_command(now);
  model_group* const group = find_group(id);
  if (group == nullptr || group->closed) return false;
  set_closed(*group);
  end_command();
  return true;
}

std::optional<reason> model::refusal_to_join(group_id id) {
  const model_group* const group = find_group(id);
  if (group == nullptr || group->closed || (group->ended && group->cancels_rest())) return reason::cancelled;
  if (group->members.size() >= limits.group_members_max) return reason::overflow;
  return std::nullopt;
}

/// Puts the place into the details of the job. False: the group takes no members.
bool model::join(model_job& job, const put_request& request) {
  model_group* const group = find_group(request.group);
  if (group == nullptr) return false;
  if (!request.group_place && refusal_to_join(request.group)) return false;
  if (request.group_place && (group->over || group->members[*request.group_place].ended)) return false;
  const std::size_t place = request.group_place ? *request.group_place : group->members.size();
  if (place == group->members.size()) group->members.emplace_back();
  group->members[place].job = job.id;
  job.details.group = request.group;
  job.details.group_place = static_cast<std::uint32_t>(place);
  // A member more decides nothing. The store has to know of it, and the order of looks at groups is that of touches.
  if (group->request.durability != durability::memory) mark_touched(*group);
  return true;
}

void model::record_member_end(group_id id, std::uint32_t place, outcome result, std::string text) {
  model_group* const group = find_group(id);
  if (group == nullptr || group->over || group->members[place].ended) return;
  if (group->request.outcome_queue.empty() || group->outcome_put || group->outcome_waits) text.clear();
  std::uint64_t bytes_of_all = 0, bytes_of_group = 0;
  for (const auto& each : groups) {
    for (const auto& member : each.members) {
      bytes_of_all += member.text.size();
      if (each.id == id) bytes_of_group += member.text.size();
    }
  }
  const auto left = [](std::uint64_t max, std::uint64_t used) { return max > used ? max - used : 0; };
  const auto bytes_max = std::min<std::uint64_t>({group_text_bytes_max, left(group_outcome_bytes_max, bytes_of_group),
                                                  left(limits.group_texts_bytes_max, bytes_of_all)});
  model_member& member = group->members[place];
  member.is_cut = text.size() > bytes_max;
  member.text = text.substr(0, bytes_max);
  member.ended = true;
  member.result = result;
  if (group->request.durability != durability::memory)
    changes.emplace_back(group_member_ended{id, place, {member.job, result, member.text, member.is_cut}});
  mark_touched(*group);
}

/// The first end of a job counts: a dead letter has ended, too.
void model::record_job_end(const model_job& job, outcome result, const std::string& text) {
  if (!job.details.group) return;
  const bool by_holder = result == outcome::deleted && job.state == job_state::reserved;
  record_member_end(job.details.group, job.details.group_place, by_holder ? outcome::ok : result,
                    by_holder ? std::string{} : text);
}

/// As JSON, with the texts of the members that fit. Empty: not even the beginning fits.
std::string model::outcome_text(const model_group& group, std::uint64_t bytes_max) const {
  const std::size_t ended = count_ended(group), succeeded = count_succeeded(group);
  std::string cause = "all";
  if (group.request.ends_with == group_end::first && succeeded > 0) cause = "first";
  if (group.request.ends_with == group_end::first_failure && ended > succeeded) cause = "first_failure";
  std::string text = "{\"group\":\"" + group.request.name + "\",\"id\":" + std::to_string(group.id.value()) +
                     ",\"ended\":\"" + cause + "\",\"jobs\":" + std::to_string(group.members.size()) +
                     ",\"ok\":" + std::to_string(succeeded) + ",\"members\":[";
  constexpr std::size_t tail_bytes = 40;
  if (text.size() + tail_bytes > bytes_max) return {};
  std::size_t place = 0;
  for (; place < group.members.size(); ++place) {
    const std::string whole = member_text(group.members[place], true);
    const std::string bare = member_text(group.members[place], false);
    if (text.size() + bare.size() + tail_bytes >= bytes_max) break;
    text += (place > 0 ? "," : "") + (text.size() + whole.size() + tail_bytes < bytes_max ? whole : bare);
  }
  text += "]";
  if (place < group.members.size()) text += ",\"members_left_out\":" + std::to_string(group.members.size() - place);
  return text + "}";
}

void model::put_outcome(model_group& group, queue_id queue, const put_request& request) {
  group.outcome_put = true;
  ++outcomes_put;
  mark_touched(group);
  put_job(queue, request);
}

/// Puts the outcome, or lets it wait for capacity, or refuses it.
void model::try_to_put_outcome(group_id id) {
  model_group& group = *find_group(id);
  const queue_id queue = find_queue(group.request.outcome_queue)->id;
  const std::string text = outcome_text(group, std::min(group_outcome_bytes_max, get_queue(queue).options.max_bytes));
  for (auto& member : group.members) member.text.clear();
  if (text.empty()) {
    get_queue(queue).counts.rejected.add(reason::too_large);
    group.outcome_refused = true;
    if (group.request.outer)
      record_member_end(group.request.outer, group.outer_place, outcome::failed,
                        "the queue is too small for the outcome of a group");
    return;
  }
  put_request request;
  request.content = body{text};
  if (group.request.outer) request.group = group.request.outer, request.group_place = group.outer_place;
  const capacity found = find_capacity(queue, 1, text.size(), nullptr, false);
  if (found == capacity::later || found == capacity::none) {
    group.outcome_waits = true;
    auto& waiter = capacity_waiters.emplace_back();
    waiter.queue = queue, waiter.put = request, waiter.group = id;
    return;
  }
  if (found == capacity::after_drops) drop_jobs_for(queue, 1, text.size());
  put_outcome(*find_group(id), queue, request);
}

void model::update_groups() {
  while (!touched_.empty()) {
    const group_id id = touched_.front();
    model_group* group = find_group(id);
    if (group == nullptr) {
      touched_.erase(touched_.begin());
      continue;
    }
    const std::size_t all = group->members.size(), ended = count_ended(*group), succeeded = count_succeeded(*group);
    const auto ends_with = group->request.ends_with;
    const bool is_decided = (group->closed && ended == all) || (ends_with == group_end::first && succeeded > 0) ||
                            (ends_with == group_end::first_failure && ended > succeeded);
    if (!group->ended && is_decided) {
      group->ended = true;
      if (group->cancels_rest()) group->closed = true, group->cancels = ended < all, group->cancels_since = now_;
    }
    const bool has_outcome = !group->request.outcome_queue.empty();
    const bool is_outcome_done = group->outcome_put || group->outcome_waits || group->outcome_refused;
    if (group->ended && !group->cancels && has_outcome && !is_outcome_done) try_to_put_outcome(id);
    // A group that is touched from here on is looked at again.
    touched_.erase(touched_.begin());
    group = find_group(id);
    if (group->request.durability != durability::memory) changes.emplace_back(group_changed{id, facts_of(*group)});
    if (!group->ended || !group->closed || count_ended(*group) < group->members.size()) continue;
    if (group->over || (has_outcome && !group->outcome_put && !group->outcome_refused)) continue;
    group->over = true;
    for (auto& member : group->members) member.text.clear();
    ended_groups_.push_back(id);
    while (ended_groups_.size() > limits.groups_ended_kept) {
      const group_id oldest = ended_groups_.front();
      ended_groups_.erase(ended_groups_.begin());
      if (find_group(oldest)->request.durability != durability::memory) changes.emplace_back(group_gone{oldest});
      std::erase_if(groups, [&](const model_group& each) { return each.id == oldest; });
    }
  }
}

instant model::step_time_of(const model_group& group) const {
  if (group.cancels) return group.cancels_since;
  if (!group.closed && !group.owner) return after(group.opened_at, limits.group_open_max);
  return never;
}

std::size_t model::do_group_step(group_id id, std::size_t most) {
  model_group& group = *find_group(id);
  if (!group.cancels) {
    set_closed(group);
    return 1;
  }
  std::size_t moved = 0;
  for (; group.next_member < group.members.size() && moved < most; ++group.next_member) {
    const model_member member = group.members[group.next_member];
    if (member.ended) continue;
    ++moved;
    if (find_job(member.job) != nullptr) {
      cancel_job(member.job);
    } else {
      record_member_end(id, static_cast<std::uint32_t>(group.next_member), outcome::cancelled, {});
    }
  }
  if (group.next_member == group.members.size()) group.cancels = false, mark_touched(group);
  group.cancels_since = now_;
  return std::max<std::size_t>(1, moved);
}

}  // namespace millrace::engine::testing
