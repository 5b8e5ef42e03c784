#pragma once

#include <unordered_map>

#include <millrace/base/ids.hpp>
#include <millrace/loop/event_loop.hpp>

#include "broker/broker.hpp"

namespace millrace::service {

/// Logs each queue in which a put, or the output of a finished job, has waited for `logged_after`, at most once in
/// `logged_every`. The record has the name of the queue, the time, and a remedy.
///
/// Owned by the lifecycle. Loop thread only. It has no task and no timer.
class held_puts {
 public:
  static constexpr duration logged_after = seconds{5};
  static constexpr duration logged_every = std::chrono::minutes{1};
  /// Queues that are checked before other tasks may run: about 0.1 ms.
  static constexpr std::size_t slice_queues = 1'000;

  /// Requires: `broker` outlives this object.
  explicit held_puts(const broker::broker& broker) : broker_{broker} {}

  /// Checks all queues, in slices. Returns at once while no put is held.
  loop::awaitable<> check(loop::event_loop& loop);

 private:
  void check_queue(queue_id queue, instant now);

  const broker::broker& broker_;
  std::unordered_map<queue_id, instant> logged_;  ///< when each queue was last logged; older entries are erased
};

}  // namespace millrace::service
