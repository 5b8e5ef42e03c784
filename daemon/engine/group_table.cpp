#include "engine/group_table.hpp"

#include <cassert>

namespace millrace::engine {

group& group_table::add(group_id id, group_facts&& facts) {
  assert(id && !groups_.contains(id));
  last = std::max(last, id.value());
  group& added = groups_[id];
  added.id = id;
  added.facts = std::move(facts);
  ++unfinished_[added.facts.name];
  recent_[recent_index(id)] = &added;
  return added;
}

group* group_table::find_in_map(group_id id) noexcept {
  const auto found = groups_.find(id);
  if (found == groups_.end()) return nullptr;
  return recent_[recent_index(id)] = &found->second;
}

const group* group_table::find(group_id id) const noexcept {
  if (const group* const recent = recent_[recent_index(id)]; recent != nullptr && recent->id == id) return recent;
  const auto found = groups_.find(id);
  return found == groups_.end() ? nullptr : &found->second;
}

group* group_table::find_continuable(std::string_view name) noexcept {
  for (auto at = groups_.rbegin(); at != groups_.rend(); ++at) {
    group& candidate = at->second;
    if (candidate.facts.name == name && candidate.may_continue && !candidate.closed) return &candidate;
  }
  return nullptr;
}

void group_table::set_over(group& ended) {
  const auto named = unfinished_.find(ended.facts.name);
  if (--named->second == 0) unfinished_.erase(named);
  text_bytes -= ended.text_bytes;
  ended.text_bytes = 0;
  ended.members = {};
  ended.over = true;
  over_.push_back(ended.id);
  ++completed_;
}

std::pair<group_id, durability> group_table::remove_oldest_over() {
  const auto found = groups_.find(over_.front());
  const std::pair removed{found->first, found->second.durability};
  if (group*& recent = recent_[recent_index(found->first)]; recent == &found->second) recent = nullptr;
  groups_.erase(found);
  over_.pop_front();
  return removed;
}

}  // namespace millrace::engine
