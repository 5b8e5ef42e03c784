#pragma once

#include <unordered_map>

#include <millrace/base/ids.hpp>
#include <millrace/loop/event_loop.hpp>

#include "broker/broker.hpp"

namespace millrace::service {

/// Logs queues that have held a put, or the output of a finished job, for `logged_after`: the name of the queue, for
/// how long, and what to do. One line for each queue and `logged_every`.
///
/// Owned by the lifecycle; loop thread. It has no task or timer of its own.
class held_puts {
 public:
  static constexpr duration logged_after = seconds{5};
  static constexpr duration logged_every = std::chrono::minutes{1};
  /// Queues that are looked at before other tasks may run: about 0.1 ms.
  static constexpr std::size_t slice_queues = 1'000;

  /// `broker` outlives it.
  explicit held_puts(const broker::broker& broker) : broker_{broker} {}

  /// Looks at all queues, in slices. Costs nothing while no put is held.
  loop::awaitable<> look(loop::event_loop& loop);

 private:
  void look_at(queue_id queue, instant now);

  const broker::broker& broker_;
  std::unordered_map<queue_id, instant> logged_;  ///< when each queue was last logged, within `logged_every`
};

}  // namespace millrace::service
