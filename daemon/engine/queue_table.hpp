#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <millrace/base/ids.hpp>

#include "engine/queue.hpp"

namespace millrace::engine {

/// Queues by id, by name and in order of creation. Records stay in place while their queue lives. An id is the slot of
/// a record and the generation of that slot: the id of a removed queue never names its successor.
/// Owned by the core of the engine; its thread.
class queue_table {
 public:
  static constexpr unsigned slot_bits = 22;

  queue_table() = default;
  queue_table(const queue_table&) = delete;
  queue_table& operator=(const queue_table&) = delete;

  /// Requires: no queue has that name.
  queue& add(std::string_view name, const queue_options& options);
  void remove(queue& target);

  [[nodiscard]] queue* find(queue_id id) noexcept;
  [[nodiscard]] const queue* find(queue_id id) const noexcept;
  [[nodiscard]] queue* find(std::string_view name);
  [[nodiscard]] const queue* find(std::string_view name) const;
  [[nodiscard]] queue& operator[](slot at) noexcept { return queues_[at]; }
  [[nodiscard]] const queue& operator[](slot at) const noexcept { return queues_[at]; }
  [[nodiscard]] static slot slot_of(queue_id id) noexcept { return id.value() & ((1u << slot_bits) - 1); }
  [[nodiscard]] static slot slot_of(const queue& target) noexcept { return slot_of(target.id); }

  std::size_t list(std::size_t start, std::size_t most, std::vector<queue_id>& into) const;
  [[nodiscard]] std::size_t size() const noexcept { return queues_.size(); }

 private:
  // One map over 200,000 names would stop everything while it rehashes. Each of these has about 3,000 of them.
  static constexpr std::size_t shards = 64;
  using names = std::unordered_map<std::string_view, slot>;

  [[nodiscard]] static std::size_t shard_of(std::string_view name) noexcept;

  slab<queue, &queue::next_free, 64> queues_;
  std::array<names, shards> by_name_;
  std::map<std::uint64_t, slot> by_creation_;
  std::uint64_t created_{0};
};

}  // namespace millrace::engine
