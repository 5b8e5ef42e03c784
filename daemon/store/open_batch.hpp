#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "engine/change.hpp"
#include "store/batch.hpp"
#include "store/id_set.hpp"
#include "store/queue_numbers.hpp"

namespace millrace::store {

/// The open batch: takes the engine's changes and adds what the file needs besides: the numbers of queues, the order of
/// burying, and which jobs have a history. Owned by the store; loop thread only.
class open_batch {
 public:
  explicit open_batch(queue_numbers::names names) : queues{std::move(names)} { open_->id = 1; }

  /// Empties `changes`.
  void add(engine::change_set& changes);
  void mark_ids(std::uint64_t up_to) { open_->mark_ids(up_to); }
  /// A bury sequence that the file has: later ones are higher.
  void recovered_bury_sequence(std::uint64_t bury_sequence) noexcept {
    last_bury_sequence_ = std::max(last_bury_sequence_, bury_sequence);
  }

  /// A job whose history the file has.
  void recovered_history(job_id job) { with_history_.insert(job); }

  [[nodiscard]] batch_id id() const noexcept { return open_->id; }
  [[nodiscard]] bool empty() const noexcept { return open_->empty(); }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return open_->bytes(); }

  /// What was open; `next`, an empty one, is open now.
  [[nodiscard]] std::unique_ptr<batch> exchange(std::unique_ptr<batch> next);
  /// The open one is done with as if it had been written.
  void skip();
  /// Drops what it holds, for a store that has failed.
  void forget() { open_->clear(); }
  [[nodiscard]] batch& writable() noexcept { return *open_; }

  queue_numbers queues;

 private:
  void add(engine::job_put& put);
  void add(engine::job_moved& moved);
  void add(engine::job_gone& gone);
  void add(engine::queue_paused& paused);
  void add(engine::group_changed& changed) { open_->groups.change(std::move(changed)); }
  void add(engine::group_member_ended& ended) { open_->groups.end_member(std::move(ended)); }
  void add(engine::group_gone& gone) { open_->groups.remove(gone.group); }
  void add(engine::action_kept& kept) { open_->groups.set_action(kept.action, std::move(kept.description)); }
  void add(engine::action_gone& gone) { open_->groups.set_action(gone.action, std::nullopt); }
  void add(engine::source_moved& moved) { open_->set_position(*moved.source, moved.to); }
  std::uint64_t bury_sequence_of(engine::job_state state) noexcept;

  std::unique_ptr<batch> open_{std::make_unique<batch>()};
  /// Jobs that have a history in the file or in a batch. A history is deleted only for those, so the delete of a plain
  /// job needs no second search.
  id_set with_history_;
  std::uint64_t last_bury_sequence_{0};
};

}  // namespace millrace::store
