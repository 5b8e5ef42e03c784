#include "settings/expansion.hpp"

#include <algorithm>
#include <cstdlib>
#include <span>

namespace millrace::settings {

namespace {

constexpr std::string_view unix_prefix = "unix:";

bool is_variable_name(std::string_view name) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
  constexpr std::string_view digits = "0123456789";
  if (name.empty() || digits.find(name.front()) != std::string_view::npos) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) {
    return letters.find(c) != std::string_view::npos || digits.find(c) != std::string_view::npos;
  });
}

/// A variable may be defined and empty.
result<std::string> value_of(const std::string& name) {
  const char* const value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): the environment never changes
  if (value == nullptr) return error{errc::not_found, "the environment does not define `" + shortened(name, 100) + "`"};
  return std::string{value};
}

/// Removes a `~` from the beginning of `text`, and returns the home directory for it, else an empty text.
result<std::string> take_home(std::string_view& text) {
  if (!text.starts_with('~')) return std::string{};
  text.remove_prefix(1);
  if (!text.empty() && text.front() != '/')
    return error{errc::unsupported,
                 "`~` is the home directory only before a `/`; write `./~` for a name that begins with `~`"};
  return value_of("HOME");
}

void expand_value(node* value, const std::string& path, diagnostic_list& diagnostics) {
  if (value == nullptr || value->form != node::shape::scalar) return;
  auto text = expand(value->text);
  if (text) {
    value->text = std::move(*text);
    return;
  }
  diagnostics.error(value->start, path, text.error().text, "`${NAME}` of the environment, or `~/`");
  value->form = node::shape::invalid;
}

node* find(node& map, std::string_view key) {
  for (std::size_t n = 0; n < map.keys.size(); ++n)
    if (map.keys[n] == key) return &map.values[n];
  return nullptr;
}

/// Expands these keys of a map.
void expand_keys(node& map, const std::string& path, std::span<const std::string_view> keys,
                 diagnostic_list& diagnostics) {
  for (const auto key : keys) expand_value(find(map, key), path_of(path, key), diagnostics);
}

/// Expands these keys of each member of a section, and of its steps.
void expand_members(node& root, const char* section, std::span<const std::string_view> keys,
                    diagnostic_list& diagnostics) {
  node* const members = find(root, section);
  if (members == nullptr || members->form != node::shape::map) return;
  for (std::size_t n = 0; n < members->keys.size(); ++n) {
    const std::string path = path_of(section, members->keys[n]);
    expand_keys(members->values[n], path, keys, diagnostics);
    node* const steps = find(members->values[n], "steps");
    if (steps == nullptr || steps->form != node::shape::list) continue;
    for (std::size_t step = 0; step < steps->values.size(); ++step)
      expand_keys(steps->values[step], path_of(path_of(path, "steps"), std::to_string(step + 1)), keys, diagnostics);
  }
}

}  // namespace

result<std::string> expand(std::string_view text) {
  std::string out;
  if (text.starts_with(unix_prefix)) {
    out = unix_prefix;
    text.remove_prefix(unix_prefix.size());
  }
  const auto home = take_home(text);
  if (!home) return home.error();
  out += *home;
  for (;;) {
    const auto dollar = text.find("${");
    if (dollar == std::string_view::npos) return out.append(text);
    if (dollar > 0 && text[dollar - 1] == '$') {
      out.append(text.substr(0, dollar - 1)).append("${");
      text.remove_prefix(dollar + 2);
      continue;
    }
    out.append(text.substr(0, dollar));
    text.remove_prefix(dollar + 2);
    const auto end = text.find('}');
    const std::string name{text.substr(0, end)};
    if (end == std::string_view::npos || !is_variable_name(name))
      return invalid("`${` is not followed by a name and `}`");
    const auto value = value_of(name);
    if (!value) return value.error();
    out += *value;
    text.remove_prefix(end + 1);
  }
}

std::string escape(std::string_view text) {
  std::string out;
  if (text.starts_with('~')) out = "./";
  for (std::size_t n = 0; n < text.size(); ++n) {
    if (text.substr(n, 2) == "${") out += '$';
    out += text[n];
  }
  return out;
}

void expand_paths(node& root, diagnostic_list& diagnostics) {
  if (node* const daemon = find(root, "daemon"); daemon != nullptr) {
    expand_keys(*daemon, "daemon", expanded_daemon_keys, diagnostics);
  }
  expand_members(root, "producers", expanded_producer_keys, diagnostics);
  expand_members(root, "consumers", expanded_consumer_keys, diagnostics);
}

}  // namespace millrace::settings
