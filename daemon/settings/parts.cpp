#include "settings/parts.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <iterator>

#include "base/queue_name.hpp"
#include "settings/planned.hpp"
#include "settings/reader.hpp"

namespace millrace::settings {

namespace {

/// The part under a key of the top when it is there and a map.
const node* part_of(const node& root, std::string_view key, complaint_list& complaints) {
  const node* part = root.find(key);
  return part != nullptr && expect_map(*part, std::string{key}, complaints) ? part : nullptr;
}

/// Makes what each name of a part stands for by `declare(name)`; calls `read(made, value, path)` where it has a map.
/// What is declared wrongly is still declared: others may name it.
template <class Declare, class Read>
void read_named(const node& root, std::string_view key, complaint_list& complaints, Declare declare, Read read) {
  const node* part = part_of(root, key, complaints);
  if (part == nullptr) return;
  if (part->keys.size() > named_parts_max)
    return complaints.error(part->at, std::string{key}, "there are " + std::to_string(part->keys.size()),
                            "at most " + std::to_string(named_parts_max));
  for (std::size_t n = 0; n < part->keys.size(); ++n) {
    const std::string path = path_of(key, part->keys[n]);
    if (!is_queue_name(part->keys[n]))
      complaints.error(part->key_places[n], path, "this is no name", std::string{queue_name_rule});
    auto& declared = declare(part->keys[n]);
    if (expect_map(part->values[n], path, complaints)) read(declared, part->values[n], path);
  }
}

/// The entry of a registry that `key` names; complains when there is none.
template <class Registry>
auto find_kind(const node& map, const std::string& path, std::string_view key, const Registry& registry,
               std::span<const std::string_view> planned, complaint_list& complaints) -> decltype(registry.find("")) {
  const std::string here = path_of(path, key);
  const node* word = map.find(key);
  const std::vector<std::string> names = registry.names();
  if (word == nullptr) {
    complaints.error(map.at, here, "the key is missing", enumerated(names));
  } else if (word->form != node::shape::scalar) {
    if (word->form != node::shape::refused)
      complaints.error(word->at, here, "there is " + word->described(), enumerated(names));
  } else if (const auto* found = registry.find(word->text)) {
    return found;
  } else if (std::find(planned.begin(), planned.end(), word->text) != planned.end()) {
    complaints.error(word->at, here, "`" + word->text + "` is planned, not here yet", enumerated(names));
  } else {
    unknown_word(word->at, here, "there is no " + std::string{key} + " " + word->described(), word->text, names,
                 complaints);
  }
  return nullptr;
}

/// Reads the keys of a kind and those common to all kinds, which stand in one map.
template <class Kind>
void read_with_kind(const node& map, const std::string& path, std::string_view kind_key, const target& common,
                    const Kind* kind, std::shared_ptr<void>& kind_options, complaint_list& complaints) {
  map_rules rules{.own_keys = {std::string{kind_key}}, .all_keys_known = kind != nullptr};
  std::vector<target> targets{common};
  if (kind != nullptr) {
    kind_options = kind->options->make();
    targets.push_back({*kind->options, kind_options.get()});
    for ([[maybe_unused]] const option& own : kind->options->options())
      assert(common.table.find(own.key) == nullptr && own.key != kind_key &&
             "a kind's keys differ from the common ones");
  }
  read_map(map, path, targets, rules, complaints);
}

void read_queues(const node& root, settings& into, complaint_list& complaints) {
  if (const node* part = part_of(root, "queue_defaults", complaints)) {
    const target defaults{engine::queue_option_table(), &into.queue_defaults};
    read_map(*part, "queue_defaults", {&defaults, 1}, {}, complaints);
  }
  const auto declare = [&](const std::string& name) -> engine::queue_options& {
    return into.queues.emplace_back(name, into.queue_defaults).second;
  };
  const auto read = [&](engine::queue_options& made, const node& value, const std::string& path) {
    const target queue{engine::queue_option_table(), &made};
    read_map(value, path, {&queue, 1}, {}, complaints);
  };
  read_named(root, "queues", complaints, declare, read);
}

void read_producers(const node& root, const vocabulary& words, settings& into, complaint_list& complaints) {
  const auto declare = [&](const std::string& name) -> workload::producer_settings& {
    workload::producer_settings& made = into.producers.emplace_back();
    made.name = name;
    return made;
  };
  const auto read = [&](workload::producer_settings& made, const node& value, const std::string& path) {
    made.kind = find_kind(value, path, "kind", words.sources, planned_sources, complaints);
    read_with_kind(value, path, "kind", {workload::producer_option_table(), &made.common}, made.kind, made.kind_options,
                   complaints);
  };
  read_named(root, "producers", complaints, declare, read);
}

void read_consumers(const node& root, const vocabulary& words, settings& into, complaint_list& complaints) {
  const auto declare = [&](const std::string& name) -> workload::consumer_settings& {
    workload::consumer_settings& made = into.consumers.emplace_back();
    made.name = name;
    return made;
  };
  const auto read = [&](workload::consumer_settings& made, const node& value, const std::string& path) {
    made.kind = find_kind(value, path, "handler", words.handlers, planned_handlers, complaints);
    read_with_kind(value, path, "handler", {workload::consumer_option_table(), &made.common}, made.kind,
                   made.kind_options, complaints);
  };
  read_named(root, "consumers", complaints, declare, read);
}

}  // namespace

void read_parts(const node& root, const vocabulary& words, settings& into, complaint_list& complaints) {
  const std::vector<std::string> known{std::begin(top_keys), std::end(top_keys)};
  for (std::size_t n = 0; n < root.keys.size(); ++n) {
    if (std::find(known.begin(), known.end(), root.keys[n]) == known.end())
      unknown_word(root.key_places[n], root.keys[n], "unknown key", root.keys[n], known, complaints);
  }
  if (const node* part = part_of(root, "daemon", complaints)) {
    const target daemon{daemon_option_table(), &into.daemon};
    read_map(*part, "daemon", {&daemon, 1}, {}, complaints);
    into.daemon.http_given = part->find("http") != nullptr;
  }
  into.daemon.store.data_dir = into.daemon.data_dir.value_or("");
  if (into.daemon.data_dir) into.queue_defaults.durability = engine::durability::sync;
  read_queues(root, into, complaints);
  read_producers(root, words, into, complaints);
  read_consumers(root, words, into, complaints);
}

}  // namespace millrace::settings
