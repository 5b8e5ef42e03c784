#include "engine/due.hpp"

#include "engine/reserving.hpp"
#include "engine/transitions.hpp"

namespace millrace::engine {

namespace {

/// Serves the sessions that waited for the end of the pause. The pause ends when all are served, so that no other
/// session overtakes them. Returns the jobs moved.
std::size_t end_pause(core& all, queue& target, std::size_t most) {
  const auto somebody_is_served = [&] { return !target.waiting.empty() && target.at(job_state::ready).count > 0; };
  std::size_t moved = 0;
  for (; moved < most && somebody_is_served(); ++moved) grant_first(all, target);
  if (!somebody_is_served()) {
    target.paused_until = no_pause;
    target.paused_for = {};
    all.due.clear(target.pause_end);
  }
  return moved;
}

std::size_t do_one(core& all, due_owner owner, std::size_t most) {
  switch (owner.kind) {
    case due_kind::delay_end:
      make_ready(all, all.jobs.find(job_id{owner.number}));
      return 1;
    case due_kind::lease_end:
      expire_lease(all, all.jobs.find(job_id{owner.number}));
      return 1;
    case due_kind::deadline_soon:
      begin_deadline_soon(all, all.jobs.find(job_id{owner.number}));
      return 1;
    case due_kind::reserve_timeout:
      give_up_waiting(all, *all.sessions.find(session_id{owner.number}));
      return 1;
    case due_kind::pause_end: {
      const auto number = static_cast<queue_id::number_type>(owner.number);
      return std::max<std::size_t>(1, end_pause(all, *all.queues.find(queue_id{number}), most));
    }
  }
  return 1;
}

}  // namespace

void do_what_is_due(core& all) {
  std::size_t left = moves_per_turn_max;
  // A deadline that is exactly now is due: the timer would not fire for it again.
  while (left > 0 && all.due.first_due() <= all.now) left -= do_one(all, all.due.first_owner(), left);
}

void pause(core& all, queue& target, duration length) {
  target.counts.pauses.add();
  if (length > duration::zero()) {
    target.paused_for = length;
    target.paused_until = after(all.now, length);
    all.due.set(target.pause_end, target.paused_until, {due_kind::pause_end, target.id.value()});
    all.remember(queue_paused{target.id, target.paused_until, length, target.options.durability});
    return;
  }
  all.remember(queue_paused{target.id, no_pause, duration{0}, target.options.durability});
  if (!target.paused()) return;
  target.paused_until = all.now;
  all.due.set(target.pause_end, all.now, {due_kind::pause_end, target.id.value()});
  end_pause(all, target, moves_per_turn_max);
}

}  // namespace millrace::engine
