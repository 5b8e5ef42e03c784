#include "engine/due.hpp"

#include "engine/expiry.hpp"
#include "engine/groups.hpp"
#include "engine/reserving.hpp"
#include "engine/transitions.hpp"

namespace millrace::engine {

namespace {

/// Serves the sessions that waited for the end of the pause. The pause ends when all are served, so that no other
/// session overtakes them. Returns the jobs moved.
std::size_t end_pause(core& core, queue& target, std::size_t most) {
  const auto somebody_is_served = [&] { return !target.waiting.empty() && target.at(job_state::ready).count > 0; };
  std::size_t moved = 0;
  for (; moved < most && somebody_is_served(); ++moved) grant_first(core, target);
  if (!somebody_is_served()) {
    target.paused_until = no_pause;
    target.paused_for = {};
    core.due.clear(target.pause_end);
  }
  return moved;
}

std::size_t do_one(core& core, due_owner owner, std::size_t most) {
  switch (owner.kind) {
    case due_kind::expiry:
      expire_first(core);
      return 1;
    case due_kind::delay_end:
      make_ready(core, core.jobs.find(job_id{owner.number}));
      return 1;
    case due_kind::lease_end:
      expire_lease(core, core.jobs.find(job_id{owner.number}));
      return 1;
    case due_kind::deadline_soon:
      begin_deadline_soon(core, core.jobs.find(job_id{owner.number}));
      return 1;
    case due_kind::reserve_timeout:
      give_up_waiting(core, *core.sessions.find(session_id{owner.number}));
      return 1;
    case due_kind::group:
      return do_due_of_group(core, group_id{owner.number}, most);
    case due_kind::pause_end: {
      const auto number = static_cast<queue_id::number_type>(owner.number);
      return std::max<std::size_t>(1, end_pause(core, *core.queues.find(queue_id{number}), most));
    }
  }
  return 1;
}

}  // namespace

void do_what_is_due(core& core) {
  std::size_t left = moves_per_turn_max;
  // A deadline that is exactly now is due: the timer would not fire for it again.
  while (left > 0 && core.due.first_due() <= core.now) left -= do_one(core, core.due.first_owner(), left);
}

void pause(core& core, queue& target, duration length) {
  target.counts.pauses.add();
  if (length > duration::zero()) {
    target.paused_for = length;
    target.paused_until = after(core.now, length);
    core.due.set(target.pause_end, target.paused_until, {due_kind::pause_end, target.id.value()});
    core.record_change(queue_paused{target.id, target.paused_until, length, target.options.durability});
    return;
  }
  core.record_change(queue_paused{target.id, no_pause, duration{0}, target.options.durability});
  if (!target.paused()) return;
  target.paused_until = core.now;
  core.due.set(target.pause_end, core.now, {due_kind::pause_end, target.id.value()});
  end_pause(core, target, moves_per_turn_max);
}

}  // namespace millrace::engine
