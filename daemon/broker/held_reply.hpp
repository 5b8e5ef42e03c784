#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <utility>

#include <millrace/loop/event_loop.hpp>
#include <millrace/loop/wait_point.hpp>

#include "engine/change.hpp"
#include "engine/engine.hpp"
#include "store/store.hpp"

namespace millrace::broker {

/// Outcomes that leave only after their commit: acknowledged means safe. Takes a command's changes to the store and knows with which batch
/// they will be safe; whoever owes somebody a reply waits here for that batch.
///
/// Belongs to the broker, on the loop's thread. With a store that remembers nothing, nothing is collected and nobody ever waits.
class held_reply {
 public:
  held_reply(loop::event_loop& loop, store::store& store);

  /// Whether changes need to be collected at all.
  [[nodiscard]] bool remembers() const noexcept { return remembers_; }
  enum class cause { command, time };
  /// Hands the changes of one command, or of the time that has passed, over: all of them together are as safe as the
  /// safest of their queues wants. Returns the batch whose commit a reply has to wait for; 0: none. Changes of relaxed
  /// queues are waited for when the store is late or has failed.
  store::batch_id keep(engine::change_set& changes, const engine::engine& of, cause why = cause::command);
  /// The batch with which the changes of the last `keep` will be safe; 0: there were none.
  [[nodiscard]] store::batch_id kept_batch() const noexcept { return kept_batch_; }
  /// Commands that were acknowledged before their changes are safe.
  [[nodiscard]] std::uint64_t acknowledged_unsafe() const;
  /// The batch with which the last changes that were handed over will be safe, whether anybody waits for it or not.
  [[nodiscard]] store::batch_id last_kept() const noexcept { return last_kept_; }
  /// `moved` is called when more has become safe, or nothing does any more. One listener.
  void when_safe(std::function<void()> moved) { moved_ = std::move(moved); }
  /// The batch of the last changes; 0: nothing to wait for.
  [[nodiscard]] store::batch_id newest() const noexcept { return newest_; }
  [[nodiscard]] bool is_safe(store::batch_id batch) const { return batch == 0 || batch <= store_.safe_up_to(); }
  /// Suspends until more has become safe. Cancelled: throws.
  loop::awaitable<> until_more_is_safe();
  /// Suspends until `batch` is safe. Cancelled: throws, and the batch is committed all the same. Nobody who waits here owes a reply for it (clients'
  /// sessions hold back bytes, which no cancelling lets out), so that a drain need not stand before a disk that is full.
  loop::awaitable<> until_safe(store::batch_id batch);

 private:
  struct holder {
    loop::wait_point point;
    bool safe{false};
  };
  void wake_safe();

  loop::event_loop& loop_;
  store::store& store_;
  bool remembers_;
  store::batch_id newest_{0};
  store::batch_id last_kept_{0};
  store::batch_id kept_batch_{0};
  struct acknowledged {
    store::batch_id batch;
    std::uint64_t commands;
  };
  std::deque<acknowledged> unsafe_;  ///< rising batches
  loop::wait_point worked_off_;
  std::function<void()> moved_;
  std::multimap<store::batch_id, holder*> waiting_;
};

}  // namespace millrace::broker
