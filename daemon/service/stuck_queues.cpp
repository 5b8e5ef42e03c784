#include "service/stuck_queues.hpp"

#include <utility>

#include "base/log.hpp"

namespace millrace::service {
namespace {

/// Puts wait for capacity that no consumer and no client will free.
bool is_stuck(const engine::queue_levels& levels) {
  if (levels.waiting_puts == 0 || levels.reserved != 0) return false;
  return levels.buried == levels.jobs() || levels.watching_sessions == 0;
}

}  // namespace

std::vector<std::string> served_queues(const settings::settings& settings) {
  std::vector<std::string> names;
  for (const auto& consumer : settings.consumers)
    names.insert(names.end(), consumer.common.queue.begin(), consumer.common.queue.end());
  return names;
}

void stuck_queues::watch(const settings::settings& settings) {
  names_.clear();
  for (const auto& [name, options] : settings.queues) names_.insert(name);
  for (const auto& producer : settings.producers) {
    names_.insert(producer.common.queue);
    if (producer.common.group) names_.insert(producer.common.group->then);
  }
  for (const auto& consumer : settings.consumers) {
    names_.insert(consumer.common.queue.begin(), consumer.common.queue.end());
    if (consumer.common.output) names_.insert(*consumer.common.output);
  }
  std::erase_if(stuck_, [this](const auto& name) { return !names_.contains(name); });
}

bool stuck_queues::check() {
  const auto& engine = broker_.engine();
  for (const auto& name : names_) {
    const auto queue = engine.find(name);
    if (!queue) continue;
    const auto levels = engine.levels(*queue);
    if (!is_stuck(levels)) {
      stuck_.erase(name);
    } else if (stuck_.insert(name).second) {
      log::warning(
          "queue_stuck",
          levels.buried == levels.jobs() ? "the queue is full of buried jobs: its producers wait forever"
                                         : "the queue is full and has no consumer: its producers wait",
          {{"queue", name}, {"jobs", levels.jobs()}, {"buried", levels.buried}, {"waiting", levels.waiting_puts}});
    }
  }
  return !stuck_.empty();
}

std::string stuck_queues::reason() const {
  if (stuck_.empty()) return "no work can continue: producers wait (`after`) for jobs that nobody takes";
  return "no work can continue: queue " + *stuck_.begin() + " is full, and nothing will empty it";
}

}  // namespace millrace::service
