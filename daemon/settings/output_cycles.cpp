#include "settings/output_cycles.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace millrace::settings {

namespace {

struct edge {
  std::string target;
  std::string consumer;
};
/// The edges of each queue.
using graph = std::map<std::string, std::vector<edge>>;

enum class state { on_path, done };

/// A queue on the current path of the search.
struct step {
  std::string queue;
  std::size_t followed{0};  ///< edges of the queue that were followed
};

/// The cycle that `queue` closes at the end of the path.
std::string write_cycle(const std::vector<step>& path, const std::string& queue) {
  constexpr std::size_t shown_max = 12;
  auto current = std::find_if(path.begin(), path.end(), [&](const step& visited) { return visited.queue == queue; });
  std::string out;
  for (std::size_t shown = 0; current != path.end(); ++current, ++shown) {
    if (shown == shown_max) {
      out += "… → ";
      break;
    }
    out += current->queue + " → ";
  }
  return out + queue;
}

/// A depth-first search. It is not recursive, since a path may have thousands of queues.
void search(const graph& queues, const std::string& start, std::map<std::string, state>& states,
            std::vector<output_cycle>& found) {
  if (!states.try_emplace(start, state::on_path).second) return;
  std::vector<step> path{{start}};
  while (!path.empty()) {
    const auto edges = queues.find(path.back().queue);
    if (edges == queues.end() || path.back().followed == edges->second.size()) {
      states[path.back().queue] = state::done;
      path.pop_back();
      continue;
    }
    const edge& next = edges->second[path.back().followed++];
    const auto [known, is_new] = states.try_emplace(next.target, state::on_path);
    if (is_new)
      path.push_back({next.target});
    else if (known->second == state::on_path)
      found.push_back({next.consumer, write_cycle(path, next.target)});
  }
}

}  // namespace

std::vector<output_cycle> find_output_cycles(const std::vector<workload::consumer_settings>& consumers,
                                             followed_edges followed, const dead_letter_of_queue& dead_letter_of) {
  graph queues;
  for (const auto& consumer : consumers) {
    const auto& output = consumer.common.output;
    for (const std::string& queue : consumer.common.queue) {
      std::string dead_letter = consumer.common.dead_letter.value_or("");
      if (dead_letter.empty() && dead_letter_of) dead_letter = dead_letter_of(queue);
      if (output && followed != followed_edges::dead_letters) queues[queue].push_back({*output, consumer.name});
      // A queue that is its own dead letter queue has its own diagnostic.
      if (!dead_letter.empty() && followed != followed_edges::outputs && dead_letter != queue)
        queues[queue].push_back({dead_letter, consumer.name});
    }
  }
  std::map<std::string, state> states;
  std::vector<output_cycle> found;
  for (const auto& [queue, edges] : queues) search(queues, queue, states, found);
  return found;
}

std::vector<producer_cycle> find_producer_cycles(const std::vector<workload::producer_settings>& producers) {
  graph waits;
  for (const auto& producer : producers) {
    for (const std::string& name : producer.common.after) waits[producer.name].push_back({name, producer.name});
  }
  std::map<std::string, state> states;
  std::vector<output_cycle> found;
  for (const auto& [name, edges] : waits) search(waits, name, states, found);
  std::vector<producer_cycle> cycles;
  cycles.reserve(found.size());
  for (auto& each : found) cycles.push_back({std::move(each.consumer), std::move(each.path)});
  return cycles;
}

}  // namespace millrace::settings
