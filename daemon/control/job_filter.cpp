#include "control/job_filter.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <boost/json/array.hpp>
#include <millrace/base/quantity.hpp>

#include "base/queue_name.hpp"

namespace millrace::control {

namespace json = boost::json;

namespace {

using engine::job_state;

constexpr std::array all_states{job_state::ready, job_state::delayed, job_state::buried, job_state::reserved};

/// A value of the request that is not as expected.
struct wrong {
  std::string_view key;
  std::string expected;
};

refusal refuse_value(const wrong& value, std::string_view part) {
  return {400, "invalid_value", "`" + std::string{value.key} + "` is not " + value.expected + ".",
          std::string{part} + "." + std::string{value.key}};
}

std::optional<job_state> state_named(std::string_view name) {
  const auto* const found = std::find_if(all_states.begin(), all_states.end(),
                                         [&](job_state state) { return engine::name_of(state) == name; });
  return found == all_states.end() ? std::nullopt : std::optional{*found};
}

std::optional<engine::reason> reason_named(std::string_view name) {
  for (std::size_t n = 0; n < engine::reason_count; ++n)
    if (const auto each = static_cast<engine::reason>(n); engine::name_of(each) == name) return each;
  return std::nullopt;
}

std::optional<wrong> set_older(job_selection& into, std::string_view text) {
  const auto length = parse_duration(text);
  if (!length || *length < duration::zero() || *length > older_max)
    return wrong{"older", "a duration like 30s or 1h, of at most " + write_duration(older_max)};
  into.older = *length;
  return std::nullopt;
}

std::optional<wrong> set_reason(job_selection& into, std::string_view text) {
  into.filter.cause = reason_named(text);
  if (!into.filter.cause) return wrong{"reason", "a reason for which a job is buried or dead-lettered"};
  return std::nullopt;
}

std::optional<wrong> set_text(job_selection& into, std::string_view text) {
  if (text.empty() || text.size() > search_text_bytes_max)
    return wrong{"text", "1 to " + std::to_string(search_text_bytes_max) + " bytes"};
  into.filter.text = text;
  return std::nullopt;
}

std::optional<wrong> set_origin(job_selection& into, std::string_view text) {
  if (text.empty()) return wrong{"origin", "the name of a queue"};
  into.filter.origin = text;
  return std::nullopt;
}

struct filter_key {
  std::string_view name;
  std::optional<wrong> (*set)(job_selection& into, std::string_view text);
};
constexpr std::array filter_keys{filter_key{"older", set_older}, filter_key{"reason", set_reason},
                                 filter_key{"text", set_text}, filter_key{"origin", set_origin}};

constexpr const char* changeable_states = "ready, delayed or buried, or a list of them";

}  // namespace

engine::job_filter job_selection::filter_at(instant now) const {
  auto made = filter;
  if (older > duration::zero()) made.entered_until = saturating_subtract(now, older);
  return made;
}

checked<job_selection> selection_of(const query& options) {
  job_selection made;
  made.states = {job_state::ready};
  if (const auto* const name = options.find("state"); name != nullptr) {
    const auto state = state_named(*name);
    if (!state) return refuse_value({"state", "one of ready, delayed, buried, reserved"}, "query");
    made.states = {*state};
  }
  for (const auto& key : filter_keys) {
    const auto* const text = options.find(key.name);
    if (text == nullptr) continue;
    if (const auto error = key.set(made, *text)) return refuse_value(*error, "query");
  }
  return made;
}

checked<job_selection> selection_of(const json::object& body) {
  job_selection made;
  if (const auto* const given = body.if_contains("state"); given != nullptr) {
    const json::array single{*given};
    const auto& names = given->is_array() ? given->get_array() : single;
    for (const auto& name : names) {
      const auto* const text = name.if_string();
      const auto state = text == nullptr ? std::nullopt : state_named({text->data(), text->size()});
      if (!state || *state == job_state::reserved) return refuse_value({"state", changeable_states}, "body");
      if (std::ranges::find(made.states, *state) == made.states.end()) made.states.push_back(*state);
    }
    if (made.states.empty()) return refuse_value({"state", changeable_states}, "body");
  }
  for (const auto& key : filter_keys) {
    const auto* const given = body.if_contains(key.name);
    if (given == nullptr || given->is_null()) continue;
    const auto* const text = given->if_string();
    const auto error =
        text == nullptr ? std::optional{wrong{key.name, "a text"}} : key.set(made, {text->data(), text->size()});
    if (error) return refuse_value(*error, "body");
  }
  return made;
}

void add_selection(json::object& shown, const job_selection& selection) {
  json::array states;
  for (const auto state : selection.states) states.emplace_back(engine::name_of(state));
  shown["state"] = std::move(states);
  if (selection.older > duration::zero()) shown["older"] = write_duration(selection.older);
  if (selection.filter.cause) shown["reason"] = engine::name_of(*selection.filter.cause);
  if (!selection.filter.origin.empty()) shown["origin"] = selection.filter.origin;
  if (!selection.filter.text.empty()) shown["text"] = selection.filter.text;
}

std::uint64_t count_in(const engine::queue_levels& levels, engine::job_state state) {
  switch (state) {
    case engine::job_state::ready:
      return levels.ready;
    case engine::job_state::delayed:
      return levels.delayed;
    case engine::job_state::buried:
      return levels.buried;
    case engine::job_state::reserved:
      return levels.reserved;
  }
  return 0;
}

bool has_text(const body& content, const engine::job_filter& filter) {
  return engine::contains_text(content.view().substr(0, engine::searched_bytes_max), filter.text);
}

}  // namespace millrace::control
