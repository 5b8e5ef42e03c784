#include "settings/schema.hpp"

#include <boost/json.hpp>
#include <initializer_list>
#include <memory>
#include <optional>
#include <utility>

#include "base/queue_name.hpp"
#include "settings/encoding.hpp"
#include "settings/pretty_json.hpp"
#include "settings/sections.hpp"

namespace millrace::settings {

namespace {

namespace json = boost::json;

/// Integers up to this value (2^53 - 1) are exact in every reader of JSON.
constexpr double exact_max = 9'007'199'254'740'991.0;

json::array strings(const std::vector<std::string>& items) { return json::array(items.begin(), items.end()); }

json::object pattern(std::string_view text) { return {{"type", "string"}, {"pattern", json::string_view{text}}}; }

json::object any_of(std::initializer_list<json::value_ref> schemas) { return {{"anyOf", json::array(schemas)}}; }

json::object integer(const option& declared) {
  json::object out{{"type", "integer"}, {"minimum", static_cast<std::uint64_t>(declared.at_least.value_or(0))}};
  if (declared.at_most && *declared.at_most <= exact_max)
    out["maximum"] = static_cast<std::uint64_t>(*declared.at_most);
  return out;
}

/// The type of a value, as strict as a pattern can express. Ranges of quantities with units are checked by the reader.
json::object type_of(const option& declared) {
  static const std::string digits = "^[0-9]+([.][0-9]+)?";
  static const json::object any_scalar{{"type", json::array{"string", "number", "boolean"}}};
  switch (declared.kind) {
    case option_kind::flag:
      return {{"type", "boolean"}};
    case option_kind::count:
      return any_of({integer(declared), pattern(digits + "[kMGT]?$")});
    case option_kind::size:
      return any_of({integer(declared), pattern(digits + "(B|[kMGT]B|[KMGT]iB)?$")});
    case option_kind::time: {
      const std::string one = digits.substr(1) + "(ns|us|µs|ms|s|m|h|d)";
      json::object length = pattern("^(" + one + ")+$");
      if (declared.at_least.value_or(0) > 0) return length;
      return any_of({json::object{{"const", 0}}, pattern("^0$"), length});
    }
    case option_kind::rate:
      return any_of({json::object{{"type", "number"}, {"exclusiveMinimum", 0}},
                     pattern(digits + "([eE][+-]?[0-9]+|[kMG])?(/[smhd])?$")});
    case option_kind::real:
      return any_of({json::object{{"type", "number"}}, pattern("^-?[0-9]")});
    case option_kind::choice:
      return {{"enum", strings(declared.choices)}};
    case option_kind::text:
      return any_scalar;
    case option_kind::text_list: {
      json::object list{{"type", "array"}, {"items", any_scalar}};
      if (declared.required) list["minItems"] = 1;
      return any_of({any_scalar, list});
    }
    case option_kind::section:
      break;
  }
  return {};
}

json::object map_of(const std::vector<const option_table*>& tables, json::object properties,
                    std::vector<std::string> required, const void* defaults = nullptr);

json::object describe(const option& declared, const void* defaults) {
  if (declared.kind == option_kind::section)
    return map_of({declared.section}, {}, {}, defaults != nullptr ? declared.view_section(defaults) : nullptr);
  json::object out{{"description", as_sentence(declared.reason) + " (" + declared.expected + ")"}};
  if (defaults != nullptr && !declared.required && declared.print) {
    if (const auto text = declared.print(defaults))
      out["default"] = declared.kind == option_kind::flag ? json::value(*text == "true") : json::value(*text);
  }
  for (const auto& member : type_of(declared)) out.insert(member);
  return out;
}

json::object map_of(const std::vector<const option_table*>& tables, json::object properties,
                    std::vector<std::string> required, const void* defaults) {
  for (const option_table* table : tables) {
    const std::shared_ptr<void> made = defaults == nullptr ? table->make() : nullptr;
    for (const option& declared : table->options()) {
      if (!declared.planned.empty()) continue;
      properties[declared.key] = describe(declared, defaults != nullptr ? defaults : made.get());
      if (declared.required) required.push_back(declared.key);
    }
  }
  json::object out{{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
  if (!required.empty()) out["required"] = strings(required);
  return out;
}

/// A map of names to values with the schema `entry`.
json::object named(const json::object& entry) {
  const std::string first = "A-Za-z0-9" + std::string{queue_name_marks};
  const std::string name = "^[" + first + "][" + first + "-]{0," + std::to_string(queue_name_bytes_max - 1) + "}$";
  return {{"type", "object"},
          {"maxProperties", named_entries_max},
          {"propertyNames", json::object{{"pattern", name}}},
          {"additionalProperties", entry}};
}

/// A map whose `key` names a kind. The allowed keys are those of `common` and those of the kind, as `if` and `then`.
template <class Registry>
json::object by_kind(const std::string& key, const Registry& registry, const std::vector<const option_table*>& common) {
  const std::vector<std::string> names = registry.names();
  json::array branches;
  for (const std::string& name : names) {
    const auto* kind = registry.find(name);
    const json::object word{{"const", name}, {"description", as_sentence(kind->summary)}};
    const json::object condition{{"properties", json::object{{key, json::object{{"const", name}}}}},
                                 {"required", strings({key})}};
    auto tables = common;
    tables.push_back(kind->options);
    branches.push_back(json::object{{"if", condition}, {"then", map_of(tables, {{key, word}}, {key})}});
  }
  json::object out{{"type", "object"},
                   {"required", strings({key})},
                   {"properties", json::object{{key, json::object{{"enum", strings(names)}}}}}};
  if (!branches.empty()) out["allOf"] = std::move(branches);
  return out;
}

/// A consumer has a handler, or a list of steps with a handler each.
json::object consumer_with(const handlers::registry& registry) {
  const auto* const common = &workload::consumer_option_table();
  const json::object steps{{"type", "array"},
                           {"description", "Handlers that are done one after another for one job."},
                           {"minItems", 1},
                           {"maxItems", workload::steps_max},
                           {"items", by_kind("handler", registry, {})}};
  return {{"if", json::object{{"required", strings({"steps"})}}},
          {"then", map_of({common}, {{"steps", steps}}, {"steps"})},
          {"else", by_kind("handler", registry, {common})}};
}

}  // namespace

std::string schema(const vocabulary& vocabulary) {
  const json::object queue = map_of({&engine::queue_option_table()}, {}, {});
  const json::object sections{
      {"daemon", map_of({&daemon_option_table()}, {}, {})},
      {"queue_defaults", queue},
      {"queues", named(queue)},
      {"producers", named(by_kind("kind", vocabulary.sources, {&workload::producer_option_table()}))},
      {"consumers", named(consumer_with(vocabulary.handlers))},
  };
  return pretty_json(json::object{{"$schema", "http://json-schema.org/draft-07/schema#"},
                                  {"title", "Settings of millraced"},
                                  {"type", "object"},
                                  {"additionalProperties", false},
                                  {"properties", sections}});
}

}  // namespace millrace::settings
