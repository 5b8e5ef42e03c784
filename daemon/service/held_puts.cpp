#include "service/held_puts.hpp"

#include <vector>

#include <millrace/loop/deadline.hpp>

#include "base/log.hpp"

namespace millrace::service {

loop::awaitable<> held_puts::check(loop::event_loop& loop) {
  std::erase_if(logged_, [&](const auto& entry) { return age(entry.second, loop.now()) >= logged_every; });
  if (broker_.held_puts().active() + broker_.held_outputs().active() == 0) co_return;
  std::vector<queue_id> slice;
  for (std::size_t position = 0;;) {
    slice.clear();
    position = broker_.engine().list_queues(position, slice_queues, slice);
    for (const auto queue : slice) check_queue(queue, loop.now());
    if (position == 0) break;
    co_await loop::yield(loop);
  }
}

void held_puts::check_queue(queue_id queue, instant now) {
  const auto& engine = broker_.engine();
  const auto levels = engine.levels(queue);
  if (levels.waiting_puts == 0) return;
  const auto held_for = age(levels.first_put_waits_since, now);
  if (held_for < logged_after || !logged_.try_emplace(queue, now).second) return;
  log::warning(
      "put_held",
      "puts wait because the queue is full: add consumers, raise its max_jobs or max_bytes, or set overflow to "
      "reject or drop_oldest",
      {{"queue", engine.name_of(queue)},
       {"held_seconds", std::chrono::duration_cast<seconds>(held_for).count()},
       {"waiting", levels.waiting_puts},
       {"jobs", levels.jobs()},
       {"bytes", levels.bytes()}});
}

}  // namespace millrace::service
