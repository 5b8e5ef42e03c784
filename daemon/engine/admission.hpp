#pragma once

#include <memory>

#include "engine/core.hpp"

/// Puts, and outputs of a finish, that meet a full queue.
namespace millrace::engine {

enum class capacity {
  free,         ///< it fits
  after_drops,  ///< it fits when the jobs longest ready are dropped
  later,        ///< it has to wait
  none          ///< it is refused
};

/// `is_first`: the request is the first of the waiters of `into`, or its own job makes the capacity, so that no earlier
/// waiter holds it back.
[[nodiscard]] capacity capacity_in(const queue& into, const demand& needed, bool is_first);
/// Drops jobs longest ready until it fits.
void drop_until_fits(core& core, queue& target, const demand& needed);

put_answer put(core& core, session& client, queue& into, put_request&& request);
bool withdraw_put(core& core, session& client);

/// Appends to the requests that wait for capacity in the queue.
capacity_waiter* enqueue_waiter(queue& at, std::unique_ptr<capacity_waiter> waiter);

/// Ends a command: ends groups whose time has come, admits waiters where capacity came free, in the order in which it
/// came free, and removes queues that nothing holds any more.
void update_groups_and_queues(core& core);
inline void end_command(core& core) {
  if (!core.queues_to_update.empty() || !core.groups.touched.empty()) update_groups_and_queues(core);
}

}  // namespace millrace::engine
