#include "settings/reader.hpp"

#include <algorithm>

#include "base/nearest.hpp"

namespace millrace::settings {

namespace {

void read_scalar(const node& value, const std::string& path, const target& into, const option& what,
                 complaint_list& complaints) {
  if (value.form != node::shape::scalar)
    return complaints.error(value.at, path, "there is " + value.described(), what.expected);
  if (what.kind == option_kind::flag && value.quoted)
    return complaints.error(value.at, path, "there is a text", what.expected);
  for (const auto& [word, sentence] : what.planned_choices) {
    if (word == value.text) return complaints.error(value.at, path, "`" + word + "` " + sentence, what.expected);
  }
  if (what.kind == option_kind::choice &&
      std::find(what.choices.begin(), what.choices.end(), value.text) == what.choices.end())
    return unknown_word(value.at, path, value.described() + " is no known word", value.text, what.choices, complaints);
  if (const result<> done = what.read(into.owner, value.text); !done)
    complaints.error(value.at, path, done.error().text, what.expected);
}

void read_list(const node& value, const std::string& path, const target& into, const option& what,
               complaint_list& complaints) {
  std::vector<std::string> items;
  if (value.form == node::shape::scalar) {
    items.push_back(value.text);
  } else if (value.form != node::shape::list) {
    return complaints.error(value.at, path, "there is " + value.described(), what.expected);
  }
  bool all_scalars = true;
  for (const node& item : value.values) {
    if (item.form == node::shape::refused) return;
    if (item.form != node::shape::scalar) {
      complaints.error(item.at, path, "an item is " + item.described(), what.expected);
      all_scalars = false;
    }
    items.push_back(item.text);
  }
  if (!all_scalars) return;
  if (what.required && items.empty()) return complaints.error(value.at, path, "the list is empty", what.expected);
  if (const result<> done = what.read_list(into.owner, items); !done)
    complaints.error(value.at, path, done.error().text, what.expected);
}

void read_option(const node& value, const std::string& path, const target& into, const option& what,
                 complaint_list& complaints) {
  if (value.form == node::shape::refused) return;
  if (what.kind == option_kind::text_list) return read_list(value, path, into, what, complaints);
  if (what.kind != option_kind::section) return read_scalar(value, path, into, what, complaints);
  if (!expect_map(value, path, complaints)) return;
  const target inner{*what.section, what.open_section(into.owner)};
  read_map(value, path, {&inner, 1}, {}, complaints);
}

std::vector<std::string> known_keys(std::span<const target> targets, const map_rules& rules) {
  std::vector<std::string> out = rules.own_keys;
  for (const target& each : targets) {
    for (const option& what : each.table.options()) {
      if (what.planned.empty()) out.push_back(what.key);
    }
  }
  return out;
}

}  // namespace

void read_map(const node& map, const std::string& path, std::span<const target> targets, const map_rules& rules,
              complaint_list& complaints) {
  for (std::size_t n = 0; n < map.keys.size(); ++n) {
    const std::string& key = map.keys[n];
    if (std::find(rules.own_keys.begin(), rules.own_keys.end(), key) != rules.own_keys.end()) continue;
    const target* into = nullptr;
    const option* what = nullptr;
    for (const target& each : targets) {
      if (what != nullptr) break;
      what = each.table.find(key);
      into = &each;
    }
    if (what == nullptr) {
      if (rules.all_keys_known && !complaints.full())
        unknown_word(map.key_places[n], path_of(path, key), "unknown key", key, known_keys(targets, rules), complaints);
    } else if (!what->planned.empty()) {
      complaints.error(map.key_places[n], path_of(path, key), what->planned);
    } else {
      read_option(map.values[n], path_of(path, key), *into, *what, complaints);
    }
  }
  for (const target& each : targets) {
    for (const option& what : each.table.options()) {
      if (what.required && map.find(what.key) == nullptr)
        complaints.error(map.at, path_of(path, what.key), "the key is missing", what.expected);
    }
  }
}

bool expect_map(const node& value, const std::string& path, complaint_list& complaints) {
  if (value.form == node::shape::map) return true;
  if (value.form != node::shape::refused)
    complaints.error(value.at, path, "there is " + value.described(), "a map of keys, {} for an empty one");
  return false;
}

void unknown_word(position at, const std::string& path, const std::string& wrong, std::string_view word,
                  std::span<const std::string> known, complaint_list& complaints) {
  if (complaints.full()) return complaints.error(at, path, wrong);
  const std::string meant = nearest(word, known);
  const std::string question = meant.empty() ? "" : ", did you mean `" + meant + "`?";
  complaints.error(at, path, wrong + question, enumerated(known));
}

std::string enumerated(std::span<const std::string> words) {
  constexpr std::size_t shown_max = 24;
  std::string out = words.size() > 1 ? "one of " : "";
  for (std::size_t n = 0; n < std::min(words.size(), shown_max); ++n) out += (n == 0 ? "" : ", ") + words[n];
  return words.size() > shown_max ? out + ", …" : out;
}

}  // namespace millrace::settings
