#include "engine/queue_table.hpp"

#include <cassert>
#include <functional>
#include <memory>

namespace millrace::engine {

std::size_t queue_table::shard_of(std::string_view name) noexcept {
  // The low bits choose the bucket within the shard.
  return std::hash<std::string_view>{}(name) >> 58;
}

queue& queue_table::add(std::string_view name, const queue_options& options) {
  assert(find(name) == nullptr);
  const slot at = queues_.acquire();
  assert(at >> slot_bits == 0);
  queue& target = queues_[at];
  // A free record keeps the id it had, from which its next user's is made.
  const auto users = target.id ? (target.id.value() >> slot_bits) + 1 : 0;
  target.id = queue_id{users << slot_bits | at};
  target.name = name;
  target.options = options;
  target.created = ++created_;
  by_name_[shard_of(target.name)].emplace(target.name, at);
  by_creation_.emplace_hint(by_creation_.end(), target.created, at);
  return target;
}

void queue_table::remove(queue& target) {
  by_name_[shard_of(target.name)].erase(target.name);
  by_creation_.erase(target.created);
  const auto id = target.id;
  std::destroy_at(&target);
  std::construct_at(&target);
  target.id = id;
  queues_.release(slot_of(id));
}

queue* queue_table::find(queue_id id) noexcept {
  return const_cast<queue*>(static_cast<const queue_table*>(this)->find(id));
}

const queue* queue_table::find(queue_id id) const noexcept {
  const slot at = slot_of(id);
  if (!queues_.contains(at)) return nullptr;
  const queue& target = queues_[at];
  return target.id == id && target.created != 0 ? &target : nullptr;
}

queue* queue_table::find(std::string_view name) {
  return const_cast<queue*>(static_cast<const queue_table*>(this)->find(name));
}

const queue* queue_table::find(std::string_view name) const {
  const auto& shard = by_name_[shard_of(name)];
  const auto found = shard.find(name);
  return found == shard.end() ? nullptr : &queues_[found->second];
}

std::size_t queue_table::list(std::size_t start, std::size_t most, std::vector<queue_id>& into) const {
  auto at = by_creation_.lower_bound(start);
  for (; most > 0 && at != by_creation_.end(); --most, ++at) into.push_back(queues_[at->second].id);
  return at == by_creation_.end() ? 0 : at->first;
}

}  // namespace millrace::engine
