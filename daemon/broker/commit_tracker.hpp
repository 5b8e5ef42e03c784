#pragma once

#include <cstdint>
#include <deque>
#include <map>

#include <millrace/base/ids.hpp>
#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/wait_point.hpp>

#include "broker/id_block.hpp"
#include "broker/receipt.hpp"
#include "broker/subscription.hpp"
#include "engine/change.hpp"
#include "store/store.hpp"

namespace millrace::broker {

/// Hands the changes of each command to the store and says with which batch they become durable. An answer that leaves
/// only then acknowledges nothing that a crash could undo.
///
/// Belongs to the broker, on the loop's thread. With a store that is not persistent, every receipt is empty.
class commit_tracker {
 public:
  commit_tracker(loop::event_loop& loop, store::store& store);

  /// Whether changes need to be collected at all.
  [[nodiscard]] bool is_persistent() const noexcept { return is_persistent_; }

  /// `time`: no command was given, so that nothing is acknowledged.
  enum class cause { command, time };
  /// Takes the changes of one command (empties `changes`): all of them are as durable as the most durable one. An
  /// answer waits for `sync` changes, and for `relaxed` ones while the store is late or has failed. `last_id`: the
  /// highest job id given out.
  committed commit(engine::change_set& changes, job_id last_id, cause trigger);
  /// A command that was refused before it ran, whatever others have changed.
  [[nodiscard]] static committed nothing() noexcept { return {}; }
  /// For the ids that are known now, without a command.
  [[nodiscard]] committed known_ids(job_id last_id) const;
  /// The batch of the changes that were handed over last.
  [[nodiscard]] store::batch_id last_written() const noexcept { return last_written_; }

  /// Ids begin above `mark`.
  void begin_ids_above(std::uint64_t mark) noexcept { ids_.begin_above(mark); }

  [[nodiscard]] bool is_durable(store::batch_id batch) const { return batch == 0 || batch <= store_.durable_up_to(); }
  /// Commands of relaxed queues that were acknowledged before their changes are durable.
  [[nodiscard]] std::uint64_t acknowledged_not_durable() const;
  /// See broker::subscribe_durable.
  [[nodiscard]] subscription subscribe_durable(std::function<void()> on_durable) {
    return subscribers_.add(std::move(on_durable));
  }
  /// Suspends until more has become durable. Cancelled: throws.
  loop::awaitable<> until_more_durable();
  /// Suspends until `batch` is durable. Cancelled: throws, and the batch is committed all the same. Callers here owe no
  /// client a reply (client replies are held in the connection, and cancellation does not release them), so a drain
  /// never blocks on a full disk.
  loop::awaitable<> until_durable(store::batch_id batch);
  /// The newest batch that an answer waits for, or that holds a block of ids.
  [[nodiscard]] store::batch_id newest_awaited() const noexcept { return std::max(newest_awaited_, ids_.newest()); }

 private:
  struct waiter {
    loop::wait_point point;
    bool durable{false};
  };
  struct acknowledged {
    store::batch_id batch;
    std::uint64_t commands;
  };

  receipt hand_over(engine::change_set& changes, cause trigger);
  void on_durable();

  loop::event_loop& loop_;
  store::store& store_;
  bool is_persistent_;
  id_block ids_;
  store::batch_id newest_awaited_{0};
  store::batch_id last_written_{0};
  std::deque<acknowledged> acknowledged_;  ///< not durable yet; rising batches
  loop::wait_point more_durable_;
  subscriber_list subscribers_;
  std::multimap<store::batch_id, waiter*> waiters_;
};

}  // namespace millrace::broker
