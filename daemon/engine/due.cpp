#include "engine/due.hpp"

#include "engine/expiry.hpp"
#include "engine/groups.hpp"
#include "engine/reserving.hpp"
#include "engine/transitions.hpp"

namespace millrace::engine {

namespace {

/// Gives ready jobs to the sessions that waited during the pause. The pause ends once no session waits or no job is
/// ready; until then no later session can overtake them. Returns the number of jobs given, at most `moves_max`.
std::size_t end_pause(core& core, queue& target, std::size_t moves_max) {
  const auto can_serve = [&] { return !target.waiting.empty() && target.at(job_state::ready).count > 0; };
  std::size_t moved = 0;
  for (; moved < moves_max && can_serve(); ++moved) grant_first(core, target);
  if (!can_serve()) {
    target.paused_until = no_pause;
    target.paused_for = {};
    core.due.clear(target.pause_end);
  }
  return moved;
}

/// Does what is due for `owner`. Returns the number of moves that it counts as: 1 to `moves_max`.
std::size_t do_first_due(core& core, due_owner owner, std::size_t moves_max) {
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
      return do_due_of_group(core, group_id{owner.number}, moves_max);
    case due_kind::pause_end: {
      const auto number = static_cast<queue_id::number_type>(owner.number);
      return std::max<std::size_t>(1, end_pause(core, *core.queues.find(queue_id{number}), moves_max));
    }
  }
  return 1;
}

}  // namespace

void do_what_is_due(core& core) {
  std::size_t left = moves_per_turn_max;
  // A deadline equal to `now` is due: the timer may fire exactly then.
  while (left > 0 && core.due.first_due() <= core.now) left -= do_first_due(core, core.due.first_owner(), left);
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
