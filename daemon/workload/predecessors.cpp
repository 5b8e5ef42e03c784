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

}  // namespace millrace::workload
