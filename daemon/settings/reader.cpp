#include "settings/reader.hpp"

#include <algorithm>

#include "base/nearest.hpp"

namespace millrace::settings {

namespace {

void read_scalar(const node& value, const std::string& path, const target& owner, const option& declared,
                 diagnostic_list& diagnostics) {
  if (value.form != node::shape::scalar)
    return diagnostics.error(value.start, path, "the value is " + value.described(), declared.expected);
  if (declared.kind == option_kind::flag && value.quoted)
    return diagnostics.error(value.start, path, "the value is a text", declared.expected);
  for (const auto& [word, sentence] : declared.planned_choices) {
    if (word == value.text)
      return diagnostics.error(value.start, path, "`" + word + "` " + sentence, declared.expected);
  }
  const auto& choices = declared.choices;
  if (declared.kind == option_kind::choice && std::find(choices.begin(), choices.end(), value.text) == choices.end())
    return report_unknown(value.start, path, value.described() + " is unknown", value.text, choices, diagnostics);
  if (const result<> done = declared.read(owner.owner, value.text); !done)
    diagnostics.error(value.start, path, done.error().text, declared.expected);
}

void read_list(const node& value, const std::string& path, const target& owner, const option& declared,
               diagnostic_list& diagnostics) {
  std::vector<std::string> items;
  if (value.form == node::shape::scalar) {
    items.push_back(value.text);
  } else if (value.form != node::shape::list) {
    return diagnostics.error(value.start, path, "the value is " + value.described(), declared.expected);
  }
  bool all_scalars = true;
  for (const node& item : value.values) {
    if (item.form == node::shape::invalid) return;
    if (item.form != node::shape::scalar) {
      diagnostics.error(item.start, path, "an item is " + item.described(), declared.expected);
      all_scalars = false;
    }
    items.push_back(item.text);
  }
  if (!all_scalars) return;
  if (declared.required && items.empty())
    return diagnostics.error(value.start, path, "the list is empty", declared.expected);
  if (const result<> done = declared.read_list(owner.owner, items); !done)
    diagnostics.error(value.start, path, done.error().text, declared.expected);
}

void read_option(const node& value, const std::string& path, const target& owner, const option& declared,
                 diagnostic_list& diagnostics) {
  if (value.form == node::shape::invalid) return;
  if (declared.kind == option_kind::text_list) return read_list(value, path, owner, declared, diagnostics);
  if (declared.kind != option_kind::section) return read_scalar(value, path, owner, declared, diagnostics);
  if (!expect_map(value, path, diagnostics)) return;
  const target section{*declared.section, declared.open_section(owner.owner)};
  read_map(value, path, {&section, 1}, {}, diagnostics);
}

std::vector<std::string> known_keys(std::span<const target> targets, const map_rules& rules) {
  std::vector<std::string> out = rules.caller_keys;
  for (const target& each : targets) {
    for (const option& declared : each.table.options()) {
      if (declared.planned.empty()) out.push_back(declared.key);
    }
  }
  return out;
}

}  // namespace

void read_map(const node& map, const std::string& path, std::span<const target> targets, const map_rules& rules,
              diagnostic_list& diagnostics) {
  for (std::size_t n = 0; n < map.keys.size(); ++n) {
    const std::string& key = map.keys[n];
    if (std::find(rules.caller_keys.begin(), rules.caller_keys.end(), key) != rules.caller_keys.end()) continue;
    const target* owner = nullptr;
    const option* declared = nullptr;
    for (const target& each : targets) {
      if (declared != nullptr) break;
      declared = each.table.find(key);
      owner = &each;
    }
    if (declared == nullptr) {
      if (rules.all_keys_known && !diagnostics.full())
        report_unknown(map.key_positions[n], path_of(path, key), "unknown key", key, known_keys(targets, rules),
                       diagnostics);
    } else if (!declared->planned.empty()) {
      diagnostics.error(map.key_positions[n], path_of(path, key), declared->planned);
    } else {
      read_option(map.values[n], path_of(path, key), *owner, *declared, diagnostics);
    }
  }
  for (const target& each : targets) {
    for (const option& declared : each.table.options()) {
      if (declared.required && map.find(declared.key) == nullptr)
        diagnostics.error(map.start, path_of(path, declared.key), "the key is missing", declared.expected);
    }
  }
}

bool expect_map(const node& value, const std::string& path, diagnostic_list& diagnostics) {
  if (value.form == node::shape::map) return true;
  if (value.form != node::shape::invalid)
    diagnostics.error(value.start, path, "the value is " + value.described(), "a map of keys, {} for an empty one");
  return false;
}

void report_unknown(position start, const std::string& path, const std::string& problem, std::string_view word,
                    std::span<const std::string> known, diagnostic_list& diagnostics) {
  if (diagnostics.full()) return diagnostics.error(start, path, problem);
  const std::string suggestion = nearest(word, known);
  const std::string question = suggestion.empty() ? "" : ", did you mean `" + suggestion + "`?";
  diagnostics.error(start, path, problem + question, enumerate(known));
}

std::string enumerate(std::span<const std::string> words) {
  constexpr std::size_t shown_max = 24;
  std::string out = words.size() > 1 ? "one of " : "";
  for (std::size_t n = 0; n < std::min(words.size(), shown_max); ++n) out += (n == 0 ? "" : ", ") + words[n];
  return words.size() > shown_max ? out + ", …" : out;
}

}  // namespace millrace::settings
