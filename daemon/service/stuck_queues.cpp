#include "service/stuck_queues.hpp"

#include "base/log.hpp"

namespace millrace::service {

std::vector<std::string> stuck_queues::newly_stuck() {
  const auto& engine = broker_.looking();
  std::vector<std::string> found;
  for (const auto& [name, options] : settings_.queues) {
    const auto queue = engine.find(name);
    if (!queue) continue;
    const auto levels = engine.levels(*queue);
    const bool stuck = levels.waiting_puts > 0 && levels.buried > 0 && levels.buried == levels.jobs();
    if (!stuck) {
      known_.erase(name);
    } else if (known_.insert(name).second) {
      log::warning("queue_stuck", "the queue is full of buried jobs: whoever puts into it waits for ever",
                   {{"queue", name}, {"buried", levels.buried}, {"waiting", levels.waiting_puts}});
      found.push_back(name);
    }
  }
  return found;
}

}  // namespace millrace::service
