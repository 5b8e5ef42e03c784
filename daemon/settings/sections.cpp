#include "settings/sections.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <iterator>
#include <type_traits>

#include "base/queue_name.hpp"
#include "settings/planned.hpp"
#include "settings/reader.hpp"

namespace millrace::settings {

namespace {

constexpr std::string_view handler_key = "handler";
constexpr std::string_view steps_key = "steps";

/// The map under a top key, or null. Reports a value that is not a map.
const node* find_section(const node& root, std::string_view key, diagnostic_list& diagnostics) {
  const node* section = root.find(key);
  return section != nullptr && expect_map(*section, std::string{key}, diagnostics) ? section : nullptr;
}

/// Calls `declare(name)` for each name of a section, and `read(declared, value, path)` if its value is a map. Invalid
/// entries are declared too, since other sections may refer to them.
template <class Declare, class Read>
void read_named(const node& root, std::string_view key, diagnostic_list& diagnostics, Declare declare, Read read) {
  const node* section = find_section(root, key, diagnostics);
  if (section == nullptr) return;
  if (section->keys.size() > named_entries_max)
    return diagnostics.error(section->start, std::string{key},
                             "there are " + std::to_string(section->keys.size()) + " entries",
                             "at most " + std::to_string(named_entries_max));
  for (std::size_t n = 0; n < section->keys.size(); ++n) {
    const std::string path = path_of(key, section->keys[n]);
    if (!is_queue_name(section->keys[n]))
      diagnostics.error(section->key_positions[n], path, "invalid name", std::string{queue_name_rule});
    auto& declared = declare(section->keys[n]);
    if (expect_map(section->values[n], path, diagnostics)) read(declared, section->values[n], path);
  }
}

/// The entry of a registry that `key` names, or null. Reports a missing or unknown name.
template <class Registry>
auto find_kind(const node& map, const std::string& path, std::string_view key, const Registry& registry,
               std::span<const std::string_view> planned, diagnostic_list& diagnostics) -> decltype(registry.find("")) {
  const std::string kind_path = path_of(path, key);
  const node* word = map.find(key);
  const std::vector<std::string> names = registry.names();
  if (word == nullptr) {
    diagnostics.error(map.start, kind_path, "the key is missing", enumerate(names));
  } else if (word->form != node::shape::scalar) {
    if (word->form != node::shape::invalid)
      diagnostics.error(word->start, kind_path, "the value is " + word->described(), enumerate(names));
  } else if (const auto* found = registry.find(word->text)) {
    return found;
  } else if (std::find(planned.begin(), planned.end(), word->text) != planned.end()) {
    diagnostics.error(word->start, kind_path, "`" + word->text + "` is planned, not here yet", enumerate(names));
  } else {
    report_unknown(word->start, kind_path, "there is no " + std::string{key} + " " + word->described(), word->text,
                   names, diagnostics);
  }
  return nullptr;
}

/// Reads a map with the keys of one kind and the keys that are common to all kinds.
template <class Kind>
void read_with_kind(const node& map, const std::string& path, std::string_view kind_key, const target& common,
                    const Kind* kind, std::shared_ptr<void>& kind_options, diagnostic_list& diagnostics) {
  map_rules rules{.caller_keys = {std::string{kind_key}}, .all_keys_known = kind != nullptr};
  std::vector<target> targets{common};
  if (kind != nullptr) {
    kind_options = kind->options->make();
    targets.push_back({*kind->options, kind_options.get()});
    for ([[maybe_unused]] const option& declared : kind->options->options())
      assert(common.table.find(declared.key) == nullptr && declared.key != kind_key &&
             "the keys of a kind differ from the common keys");
  }
  read_map(map, path, targets, rules, diagnostics);
}

void read_queues(const node& root, settings& settings, diagnostic_list& diagnostics) {
  if (const node* section = find_section(root, "queue_defaults", diagnostics)) {
    const target defaults{engine::queue_option_table(), &settings.queue_defaults};
    read_map(*section, "queue_defaults", {&defaults, 1}, {}, diagnostics);
  }
  const auto declare = [&](const std::string& name) -> engine::queue_options& {
    auto& options = settings.queues.emplace_back(name, settings.queue_defaults).second;
    if (options.dead_letter == name)
      options.dead_letter.clear();  // the queue that holds the dead letters of all others
    return options;
  };
  const auto read = [&](engine::queue_options& declared, const node& value, const std::string& path) {
    const target queue{engine::queue_option_table(), &declared};
    read_map(value, path, {&queue, 1}, {}, diagnostics);
  };
  read_named(root, "queues", diagnostics, declare, read);
}

/// Reads the steps of a consumer, each a map with a handler and the keys of its kind.
void read_steps(const node& value, const std::string& path, const handlers::registry& registry,
                std::vector<workload::step_settings>& steps, diagnostic_list& diagnostics) {
  const std::string expected = "a list of 1 to " + std::to_string(workload::steps_max) + " maps with a handler";
  if (value.form == node::shape::invalid) return;
  if (value.form != node::shape::list)
    return diagnostics.error(value.start, path, "the value is " + value.described(), expected);
  if (value.values.empty() || value.values.size() > workload::steps_max)
    return diagnostics.error(value.start, path, "there are " + std::to_string(value.values.size()) + " steps",
                             expected);
  for (std::size_t n = 0; n < value.values.size(); ++n) {
    const node& step = value.values[n];
    const std::string step_path = path_of(path, std::to_string(n + 1));
    auto& declared = steps.emplace_back();
    if (!expect_map(step, step_path, diagnostics)) continue;
    declared.kind = find_kind(step, step_path, handler_key, registry, planned_handlers, diagnostics);
    if (declared.kind == nullptr) continue;
    declared.kind_options = declared.kind->options->make();
    const target options{*declared.kind->options, declared.kind_options.get()};
    read_map(step, step_path, {&options, 1}, {.caller_keys = {std::string{handler_key}}}, diagnostics);
  }
}

/// Reads a consumer with steps in place of a handler.
void read_with_steps(const node& map, const std::string& path, const handlers::registry& registry,
                     workload::consumer_settings& declared, diagnostic_list& diagnostics) {
  if (const node* const handler = map.find(handler_key); handler != nullptr)
    diagnostics.error(handler->start, path_of(path, handler_key), "the consumer has steps, too", "one of the two");
  const target common{workload::consumer_option_table(), &declared.common};
  read_map(map, path, {&common, 1}, {.caller_keys = {std::string{handler_key}, std::string{steps_key}}}, diagnostics);
  read_steps(*map.find(steps_key), path_of(path, steps_key), registry, declared.steps, diagnostics);
}

/// Reads a section of producers or consumers. `kind_key` names the kind of each.
template <class Settings, class Registry>
void read_with_kinds(const node& root, std::string_view section, std::string_view kind_key, const Registry& registry,
                     std::span<const std::string_view> planned, const option_table& common,
                     std::vector<Settings>& entries, diagnostic_list& diagnostics) {
  const auto declare = [&](const std::string& name) -> Settings& {
    Settings& declared = entries.emplace_back();
    declared.name = name;
    return declared;
  };
  const auto read = [&](Settings& declared, const node& value, const std::string& path) {
    if constexpr (std::is_same_v<Settings, workload::consumer_settings>) {
      if (value.find(steps_key) != nullptr) return read_with_steps(value, path, registry, declared, diagnostics);
    }
    declared.kind = find_kind(value, path, kind_key, registry, planned, diagnostics);
    read_with_kind(value, path, kind_key, {common, &declared.common}, declared.kind, declared.kind_options,
                   diagnostics);
  };
  read_named(root, section, diagnostics, declare, read);
}

}  // namespace

void read_sections(const node& root, const vocabulary& vocabulary, settings& settings, diagnostic_list& diagnostics) {
  const std::vector<std::string> known{std::begin(top_keys), std::end(top_keys)};
  for (std::size_t n = 0; n < root.keys.size(); ++n) {
    if (std::find(known.begin(), known.end(), root.keys[n]) == known.end())
      report_unknown(root.key_positions[n], root.keys[n], "unknown key", root.keys[n], known, diagnostics);
  }
  if (const node* section = find_section(root, "daemon", diagnostics)) {
    const target daemon{daemon_option_table(), &settings.daemon};
    read_map(*section, "daemon", {&daemon, 1}, {}, diagnostics);
    settings.daemon.http_given = section->find("http") != nullptr;
  }
  settings.daemon.store.data_dir = settings.daemon.data_dir.value_or("");
  if (settings.daemon.data_dir) settings.queue_defaults.durability = engine::durability::sync;
  read_queues(root, settings, diagnostics);
  read_with_kinds(root, "producers", "kind", vocabulary.sources, planned_sources, workload::producer_option_table(),
                  settings.producers, diagnostics);
  read_with_kinds(root, "consumers", handler_key, vocabulary.handlers, planned_handlers,
                  workload::consumer_option_table(), settings.consumers, diagnostics);
}

}  // namespace millrace::settings
