#include "settings/output_circles.hpp"

#include <algorithm>
#include <map>

namespace millrace::settings {

namespace {

struct arrow {
  std::string to;
  std::string consumer;
};
using arrows = std::map<std::string, std::vector<arrow>>;

enum class seen { open, done };

/// A queue on the way from where the search began, and how many of its arrows were followed.
struct step {
  std::string queue;
  std::size_t followed{0};
};

std::string path_from(const std::vector<step>& way, const std::string& queue) {
  constexpr std::size_t shown_max = 12;
  auto here = std::find_if(way.begin(), way.end(), [&](const step& each) { return each.queue == queue; });
  std::string out;
  for (std::size_t shown = 0; here != way.end(); ++here, ++shown) {
    if (shown == shown_max) {
      out += "… → ";
      break;
    }
    out += here->queue + " → ";
  }
  return out + queue;
}

/// Depth first, with a stack of its own: the longest path may have thousands of queues.
void search(const arrows& from, const std::string& start, std::map<std::string, seen>& known,
            std::vector<output_circle>& found) {
  if (!known.try_emplace(start, seen::open).second) return;
  std::vector<step> way{{start}};
  while (!way.empty()) {
    const auto out = from.find(way.back().queue);
    if (out == from.end() || way.back().followed == out->second.size()) {
      known[way.back().queue] = seen::done;
      way.pop_back();
      continue;
    }
    const arrow& next = out->second[way.back().followed++];
    const auto [state, is_new] = known.try_emplace(next.to, seen::open);
    if (is_new)
      way.push_back({next.to});
    else if (state->second == seen::open)
      found.push_back({next.consumer, path_from(way, next.to)});
  }
}

}  // namespace

std::vector<output_circle> find_output_circles(const std::vector<workload::consumer_settings>& consumers,
                                               ways_out followed) {
  arrows from;
  for (const auto& each : consumers) {
    const auto& output = each.common.output;
    const auto& letters = each.common.dead_letter;
    for (const std::string& queue : each.common.queue) {
      if (output && followed != ways_out::dead_letters) from[queue].push_back({*output, each.name});
      // A dead letter to its own queue is a complaint of its own.
      if (letters && followed != ways_out::outputs && *letters != queue) from[queue].push_back({*letters, each.name});
    }
  }
  std::map<std::string, seen> known;
  std::vector<output_circle> found;
  for (const auto& [queue, out] : from) search(from, queue, known, found);
  return found;
}

}  // namespace millrace::settings
