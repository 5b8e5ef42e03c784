#include "store/batch_groups.hpp"

#include <algorithm>

namespace millrace::store {

namespace {

std::uint64_t bytes_of(const engine::group_facts& facts) noexcept {
  return facts.name.size() + facts.outcome_queue.size();
}

std::uint64_t bytes_of(const engine::group_member& member) noexcept { return sizeof member + member.text.size(); }

}  // namespace

void batch_groups::change(engine::group_changed&& changed) {
  mark_ids(changed.group.value());
  changed_group& entry = entry_of(changed.group);
  if (entry.facts) bytes_ -= bytes_of(*entry.facts);
  bytes_ += bytes_of(changed.facts);
  entry.facts = std::move(changed.facts);
}

void batch_groups::end_member(engine::group_member_ended&& ended) {
  bytes_ += bytes_of(ended.member);
  entry_of(ended.group).ended.emplace_back(ended.place, std::move(ended.member));
}

void batch_groups::remove(engine::group_id group) {
  changed_group& entry = entry_of(group);
  if (entry.facts) bytes_ -= bytes_of(*entry.facts);
  for (const auto& [place, member] : entry.ended) bytes_ -= bytes_of(member);
  entry = {.group = group, .gone = true};
}

void batch_groups::set_action(std::uint64_t number, std::optional<std::string> description) {
  bytes_ += sizeof number + (description ? description->size() : 0);
  auto& entry = actions_[number];
  if (entry) bytes_ -= entry->size();
  entry = std::move(description);
}

void batch_groups::mark_ids(std::uint64_t up_to) noexcept { id_mark_ = std::max(id_mark_, up_to); }

void batch_groups::clear() {
  groups_.clear();
  index_of_.clear();
  actions_.clear();
  id_mark_ = 0;
  bytes_ = 0;
}

batch_groups::changed_group& batch_groups::entry_of(engine::group_id group) {
  const auto [known, is_new] = index_of_.try_emplace(group.value(), groups_.size());
  if (!is_new) return groups_[known->second];
  bytes_ += sizeof(changed_group);
  return groups_.emplace_back(changed_group{.group = group});
}

}  // namespace millrace::store
