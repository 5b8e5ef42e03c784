// `after`: producers that begin when others, and all of their jobs, have ended.
#include <algorithm>

#include "workload/workload_parts.hpp"

namespace millrace::workload {

void workload::parts::note_predecessors(const std::vector<std::string>& names) {
  predecessors.insert(names.begin(), names.end());
}

bool workload::parts::predecessors_have_ended(const std::string& producer) const {
  const auto* const one = find_producer(producer);
  if (one == nullptr) return true;  // a reload ends it
  return std::ranges::all_of(one->settings.common.after, [this](const std::string& name) {
    const auto* const predecessor = find_producer(name);
    if (predecessor == nullptr) return broker.engine().groups_are_over(name);
    return predecessor->counts->ended && broker.engine().groups_are_over(predecessor->settings.group_name());
  });
}

loop::awaitable<> workload::parts::until_predecessors_end(std::string producer) {
  struct waiting_mark {
    explicit waiting_mark(parts& of) : owner{of} { ++owner.waiting_successors; }
    ~waiting_mark() { --owner.waiting_successors; }
    waiting_mark(const waiting_mark&) = delete;
    waiting_mark& operator=(const waiting_mark&) = delete;
    parts& owner;
  };
  const waiting_mark mark{*this};
  while (!predecessors_have_ended(producer)) co_await predecessor_ended.wait();
}

bool workload::parts::waits_for_unserved_jobs() const {
  if (waiting_successors == 0 || waiting_successors != producers_left || changing) return false;
  for (const auto& one : producers) {
    const auto& name = one->settings.name;
    if (!one->counts->ended && predecessors_have_ended(name)) return false;  // begins in this turn of the loop
  }
  const auto& engine = broker.engine();
  if (engine.totals().reserved != 0) return false;
  std::vector<queue_id> queues;
  engine.list_queues(0, engine.queue_count(), queues);
  return std::ranges::none_of(queues, [&engine](queue_id queue) {
    const auto levels = engine.levels(queue);
    return levels.watching_sessions != 0 && levels.ready + levels.delayed + levels.waiting_puts != 0;
  });
}

}  // namespace millrace::workload
