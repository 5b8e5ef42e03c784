#include "settings/difference.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "settings/diagnostic_list.hpp"

namespace millrace::settings {

namespace {

bool differ(const option_table& table, const void* present, const void* next) {
  return !changed_options(table, present, next).empty();
}

bool differs(const workload::producer_settings& present, const workload::producer_settings& next) {
  return present.kind != next.kind || differ(workload::producer_option_table(), &present.common, &next.common) ||
         differ(*next.kind->options, present.kind_options.get(), next.kind_options.get());
}
bool differs(const workload::consumer_settings& present, const workload::consumer_settings& next) {
  const auto is_same = [](const workload::step_settings& one, const workload::step_settings& other) {
    return one.kind == other.kind && !differ(*one.kind->options, one.kind_options.get(), other.kind_options.get());
  };
  return differ(workload::consumer_option_table(), &present.common, &next.common) ||
         present.steps.empty() != next.steps.empty() ||
         !std::ranges::equal(present.all_steps(), next.all_steps(), is_same);
}

using queue_entry = std::pair<std::string, engine::queue_options>;

bool differs(const queue_entry& present, const queue_entry& next) {
  return differ(engine::queue_option_table(), &present.second, &next.second);
}

const std::string& name_of(const queue_entry& entry) { return entry.first; }
template <class Entry>
const std::string& name_of(const Entry& entry) {
  return entry.name;
}

template <class Entry>
std::unordered_map<std::string_view, const Entry*> by_name(const std::vector<Entry>& entries) {
  std::unordered_map<std::string_view, const Entry*> found;
  for (const auto& entry : entries) found.emplace(name_of(entry), &entry);
  return found;
}

template <class Entry>
changed_names compare_entries(const std::vector<Entry>& present, const std::vector<Entry>& next) {
  changed_names names;
  const auto before = by_name(present);
  const auto later = by_name(next);
  for (const auto& entry : next) {
    const auto found = before.find(name_of(entry));
    if (found == before.end()) {
      names.added.push_back(name_of(entry));
    } else if (differs(*found->second, entry)) {
      names.changed.push_back(name_of(entry));
    }
  }
  for (const auto& entry : present) {
    if (!later.contains(name_of(entry))) names.removed.push_back(name_of(entry));
  }
  return names;
}

/// Durability is fixed: it decided at the put of each job in the queue whether the changes of that job are written.
void check_durability(const settings& present, const settings& next, difference& changes) {
  const auto later = by_name(next.queues);
  const auto* const declared = engine::queue_option_table().find("durability");
  for (const auto& entry : present.queues) {
    const auto found = later.find(entry.first);
    if (found == later.end() || found->second->second.durability == entry.second.durability) continue;
    changes.fixed.push_back({{"queues", entry.first, "durability"}, declared->print(&entry.second)});
  }
}

void add_lines(std::vector<std::string>& lines, std::string_view section, const changed_names& names) {
  const auto add = [&](const std::vector<std::string>& list, const char* change) {
    for (const auto& name : list) lines.push_back(std::string{section} + ' ' + name + ": " + change);
  };
  add(names.added, "added");
  add(names.changed, "changed");
  add(names.removed, "removed");
}

}  // namespace

bool difference::empty() const noexcept {
  return daemon_keys.empty() && !queue_defaults && queues.empty() && producers.empty() && consumers.empty() &&
         fixed.empty();
}

std::vector<std::string> difference::lines() const {
  std::vector<std::string> lines;
  for (const auto& key : daemon_keys) lines.push_back("daemon." + key + ": changed");
  if (queue_defaults) lines.emplace_back("queue_defaults: changed");
  add_lines(lines, "queue", queues);
  add_lines(lines, "producer", producers);
  add_lines(lines, "consumer", consumers);
  return lines;
}

difference compare(const settings& present, const settings& next) {
  difference changes;
  for (auto& option : changed_options(daemon_option_table(), &present.daemon, &next.daemon)) {
    if (std::ranges::find(changeable_daemon_keys, option.keys.front()) != changeable_daemon_keys.end()) {
      changes.daemon_keys.push_back(path_of(option.keys));
    } else {
      option.keys.insert(option.keys.begin(), "daemon");
      changes.fixed.push_back(std::move(option));
    }
  }
  changes.queue_defaults = differ(engine::queue_option_table(), &present.queue_defaults, &next.queue_defaults);
  changes.queues = compare_entries(present.queues, next.queues);
  changes.producers = compare_entries(present.producers, next.producers);
  changes.consumers = compare_entries(present.consumers, next.consumers);
  check_durability(present, next, changes);
  return changes;
}

std::vector<diagnostic> refusals_of(const difference& changes, const std::string& file, const node& root) {
  diagnostic_list diagnostics{file};
  for (const auto& option : changes.fixed) {
    const auto expected = option.present ? "`" + *option.present + "`" : "no value";
    diagnostics.error(position_of(root, option.keys), path_of(option.keys), "cannot change while the daemon runs",
                      expected + ", or a restart of the daemon");
  }
  return diagnostics.take();
}

}  // namespace millrace::settings
