#pragma once

#include <algorithm>
#include <cstdint>

#include <millrace/base/ids.hpp>

#include "store/store.hpp"

namespace millrace::broker {

/// Job ids are never reused, even of queues in memory: with a persistent store they come from blocks, and the end
/// of a block is on disk before any of its ids leaves the daemon.
///
/// Belongs to the broker, on the loop's thread.
class id_block {
 public:
  /// Ids of one block. The next block is requested when half of this one is used, so that no client waits for it.
  static constexpr std::uint64_t ids = 100'000;

  explicit id_block(store::store& store) noexcept : store_{store} {}

  /// Ids up to this one may have been assigned before the start.
  void begin_above(std::uint64_t mark) noexcept { begun_ = safe_ = asked_ = mark; }
  /// The batch that must be durable before an answer with the id `last` may leave; 0: it may leave now.
  [[nodiscard]] store::batch_id batch_for(std::uint64_t last) {
    // Before the first id there is nothing to reserve: before `begin_above`, a block would overwrite the mark on disk
    // with a lower one.
    if (last == begun_) return 0;
    if (last + ids / 2 > asked_ && asked_ < job_id_max.value()) {
      asked_ = std::min(last + ids, job_id_max.value());
      batch_ = store_.reserve_ids(asked_);
    }
    if (last <= safe_) return 0;
    if (batch_ <= store_.durable_up_to()) safe_ = asked_;
    return last <= safe_ ? 0 : batch_;
  }
  /// The batch that must be durable before an answer with an id up to `last` may leave; 0: it may leave now. Requires:
  /// `batch_for` was called for `last`.
  [[nodiscard]] store::batch_id batch_of_known(std::uint64_t last) const {
    return last == begun_ || last <= safe_ || batch_ <= store_.durable_up_to() ? 0 : batch_;
  }
  /// The batch of the newest block; 0: there is none yet.
  [[nodiscard]] store::batch_id newest() const noexcept { return batch_; }

 private:
  store::store& store_;
  std::uint64_t begun_{0};
  std::uint64_t safe_{0};
  std::uint64_t asked_{0};
  store::batch_id batch_{0};
};

}  // namespace millrace::broker
