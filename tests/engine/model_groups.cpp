// Groups, said plainly: everything that counts members counts them again.
#include <algorithm>
#include <cassert>

#include "engine/model.hpp"

namespace millrace::engine::testing {

namespace {

std::size_t ended(const model::its_group& it) {
  return static_cast<std::size_t>(std::ranges::count_if(it.members, &model::its_member::ended));
}
std::size_t succeeded(const model::its_group& it) {
  return static_cast<std::size_t>(std::ranges::count_if(
      it.members, [](const model::its_member& each) { return each.ended && each.result == outcome::ok; }));
}
bool cancels_rest(const model::its_group& it) { return it.asked.remaining == remaining_members::cancel; }

/// The texts of the duel are plain ASCII.
std::string member_words(const model::its_member& it, bool with_text) {
  std::string words = "{\"id\":" + std::to_string(it.job.value()) + ",\"outcome\":\"";
  words += it.ended ? name_of(it.result) : "pending";
  words += '"';
  if (with_text && !it.text.empty())
    words += (it.result == outcome::ok ? ",\"text\":\"" : ",\"error\":\"") + it.text + "\"";
  if (it.cut || (!with_text && !it.text.empty())) words += ",\"cut\":true";
  return words + "}";
}

}  // namespace

model::its_group* model::group(group_id which) {
  const auto found = std::ranges::find(groups, which, &its_group::id);
  return found == groups.end() ? nullptr : &*found;
}

group_facts model::facts_of(const its_group& it) {
  group_facts facts;
  facts.name = it.asked.name;
  facts.outcome_queue = it.asked.outcome_queue;
  facts.state = it.ended ? group_state::ended : it.closed ? group_state::closed : group_state::open;
  facts.ends_with = it.asked.ends_with;
  facts.remaining = it.asked.remaining;
  facts.opened_at = it.opened_at;
  facts.members = static_cast<std::uint32_t>(it.members.size());
  facts.ended = static_cast<std::uint32_t>(millrace::engine::testing::ended(it));
  facts.succeeded = static_cast<std::uint32_t>(succeeded(it));
  facts.outcome_put = it.told;
  facts.outer = it.asked.outer;
  facts.outer_place = it.outer_place;
  return facts;
}

void model::touch(its_group& it) {
  if (std::ranges::count(touched, it.id) == 0) touched.push_back(it.id);
}

std::optional<group_id> model::open_group(const group_request& request, session_id owner, instant at) {
  begin(at);
  const auto live = std::ranges::count_if(groups, [](const its_group& each) { return !each.over; });
  if (static_cast<std::uint32_t>(live) >= limits.groups_max) return std::nullopt;
  if (request.outer && refusal_to_join(request.outer)) return std::nullopt;
  its_group it;
  it.id = group_id{++last_group};
  it.asked = request;
  it.owner = owner;
  it.opened_at = now;
  if (!request.outcome_queue.empty())
    it.asked.durability = std::max(request.durability, find(request.outcome_queue)->options.durability);
  if (its_group* const outer = group(request.outer)) {
    it.outer_place = static_cast<std::uint32_t>(outer->members.size());
    outer->members.emplace_back();
    touch(*outer);
  }
  groups.push_back(it);
  touch(groups.back());
  settle();
  return group_id{last_group};
}

void model::set_closed(its_group& it) {
  it.closed = true;
  touch(it);
}

bool model::close_group(group_id which, instant at) {
  begin(at);
  its_group* const it = group(which);
  if (it == nullptr || it->closed) return false;
  set_closed(*it);
  settle();
  return true;
}

std::optional<reason> model::refusal_to_join(group_id which) {
  const its_group* const it = group(which);
  if (it == nullptr || it->closed || (it->ended && cancels_rest(*it))) return reason::cancelled;
  if (it->members.size() >= limits.group_members_max) return reason::overflow;
  return std::nullopt;
}

/// True: the job joined; its place is in it.
bool model::join(its_job& it, const put_request& request) {
  its_group* const into = group(request.group);
  if (into == nullptr) return false;
  if (!request.group_place && refusal_to_join(request.group)) return false;
  if (request.group_place && (into->over || into->members[*request.group_place].ended)) return false;
  const std::size_t place = request.group_place ? *request.group_place : into->members.size();
  if (place == into->members.size()) into->members.emplace_back();
  into->members[place].job = it.id;
  it.details.group = request.group;
  it.details.group_place = static_cast<std::uint32_t>(place);
  touch(*into);
  return true;
}

void model::member_ended(group_id which, std::uint32_t place, outcome result, std::string text) {
  its_group* const of = group(which);
  if (of == nullptr || of->over || of->members[place].ended) return;
  its_member& it = of->members[place];
  if (of->asked.outcome_queue.empty() || of->told || of->outcome_waits) text.clear();
  std::uint64_t sum = 0, mine = 0;
  for (const auto& each : groups) {
    for (const auto& member : each.members) {
      sum += member.text.size();
      if (each.id == which) mine += member.text.size();
    }
  }
  const auto left = [](std::uint64_t most, std::uint64_t used) { return most > used ? most - used : 0; };
  const auto most = std::min<std::uint64_t>(
      {group_text_bytes_max, left(group_outcome_bytes_max, mine), left(limits.group_texts_bytes_max, sum)});
  it.cut = text.size() > most;
  it.text = text.substr(0, most);
  it.ended = true;
  it.result = result;
  if (of->asked.durability != durability::memory)
    changes.emplace_back(group_member_ended{which, place, {it.job, result, it.text, it.cut}});
  touch(*of);
}

/// The first end of a job, wherever it goes.
void model::note_end(const its_job& it, outcome result, const std::string& text) {
  if (!it.details.group) return;
  const bool by_holder = result == outcome::deleted && it.state == job_state::reserved;
  member_ended(it.details.group, it.details.group_place, by_holder ? outcome::ok : result,
               by_holder ? std::string{} : text);
}

std::string model::outcome_words(const its_group& it, std::uint64_t most) const {
  const auto [all, well] = std::pair{millrace::engine::testing::ended(it), succeeded(it)};
  std::string why = "all";
  if (it.asked.ends_with == group_end::first && well > 0) why = "first";
  if (it.asked.ends_with == group_end::first_failure && all > well) why = "first_failure";
  std::string words = "{\"group\":\"" + it.asked.name + "\",\"id\":" + std::to_string(it.id.value()) + ",\"ended\":\"" +
                      why + "\",\"jobs\":" + std::to_string(it.members.size()) + ",\"ok\":" + std::to_string(well) +
                      ",\"members\":[";
  constexpr std::size_t tail = 40;
  if (words.size() + tail > most) return {};
  std::size_t place = 0;
  for (; place < it.members.size(); ++place) {
    const std::string whole = member_words(it.members[place], true);
    const std::string bare = member_words(it.members[place], false);
    if (words.size() + bare.size() + tail >= most) break;
    words += (place > 0 ? "," : "") + (words.size() + whole.size() + tail < most ? whole : bare);
  }
  words += "]";
  if (place < it.members.size()) words += ",\"members_left_out\":" + std::to_string(it.members.size() - place);
  return words + "}";
}

void model::outcome_is_put(its_group& it, queue_id into, const put_request& request) {
  it.told = true;
  ++outcomes_put;
  touch(it);
  put_job(into, request);
}

void model::put_outcome(group_id which) {
  its_group& it = *group(which);
  const queue_id into = find(it.asked.outcome_queue)->id;
  const std::string words = outcome_words(it, std::min(group_outcome_bytes_max, queue(into).options.max_bytes));
  for (auto& each : it.members) each.text.clear();
  if (words.empty()) {
    queue(into).counts.rejected.add(reason::too_large);
    it.refused = true;
    if (it.asked.outer)
      member_ended(it.asked.outer, it.outer_place, outcome::failed,
                   "the queue is too small for the outcome of a group");
    return;
  }
  put_request request;
  request.content = body{words};
  if (it.asked.outer) request.group = it.asked.outer, request.group_place = it.outer_place;
  const room found = room_in(into, 1, words.size(), nullptr, false);
  if (found == room::later || found == room::none) {
    it.outcome_waits = true;
    auto& last = line.emplace_back();
    last.queue = into, last.put = request, last.group = which;
    return;
  }
  if (found == room::drops) drop_for(into, 1, words.size());
  outcome_is_put(*group(which), into, request);
}

void model::settle_groups() {
  while (!touched.empty()) {
    const group_id which = touched.front();
    its_group* it = group(which);
    if (it == nullptr) {
      touched.erase(touched.begin());
      continue;
    }
    const std::size_t all = it->members.size(), gone = millrace::engine::testing::ended(*it), well = succeeded(*it);
    const bool decided = (it->closed && gone == all) || (it->asked.ends_with == group_end::first && well > 0) ||
                         (it->asked.ends_with == group_end::first_failure && gone > well);
    if (!it->ended && decided) {
      it->ended = true;
      if (cancels_rest(*it)) it->closed = true, it->cancels = gone < all, it->cancels_since = now;
    }
    if (it->ended && !it->cancels && !it->asked.outcome_queue.empty() && !it->told && !it->outcome_waits &&
        !it->refused)
      put_outcome(which);
    // What touches it from here on is looked at again.
    touched.erase(touched.begin());
    it = group(which);
    if (it->asked.durability != durability::memory) changes.emplace_back(group_changed{which, facts_of(*it)});
    const bool told = it->asked.outcome_queue.empty() || it->told || it->refused;
    if (it->over || !it->ended || !it->closed || millrace::engine::testing::ended(*it) < it->members.size() || !told)
      continue;
    it->over = true;
    for (auto& each : it->members) each.text.clear();
    ended_groups.push_back(which);
    while (ended_groups.size() > limits.groups_ended_kept) {
      const group_id oldest = ended_groups.front();
      ended_groups.erase(ended_groups.begin());
      if (group(oldest)->asked.durability != durability::memory) changes.emplace_back(group_gone{oldest});
      std::erase_if(groups, [&](const its_group& each) { return each.id == oldest; });
    }
  }
}

instant model::due_of(const its_group& it) const {
  if (it.cancels) return it.cancels_since;
  if (!it.closed && !it.owner) return after(it.opened_at, limits.group_open_max);
  return never;
}

std::size_t model::do_due_group(group_id which, std::size_t most) {
  its_group& it = *group(which);
  if (!it.cancels) {
    set_closed(it);
    return 1;
  }
  std::size_t moved = 0;
  for (; it.next < it.members.size() && moved < most; ++it.next) {
    const its_member member = it.members[it.next];
    if (member.ended) continue;
    ++moved;
    if (job(member.job) != nullptr) {
      cancel_job(member.job);
    } else {
      member_ended(which, static_cast<std::uint32_t>(it.next), outcome::cancelled, {});
    }
  }
  if (it.next == it.members.size()) it.cancels = false, touch(it);
  it.cancels_since = now;
  return std::max<std::size_t>(1, moved);
}

}  // namespace millrace::engine::testing
