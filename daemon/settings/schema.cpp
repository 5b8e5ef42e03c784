#include "settings/schema.hpp"

#include <boost/json.hpp>
#include <initializer_list>
#include <memory>
#include <optional>
#include <utility>

#include "base/queue_name.hpp"
#include "settings/encoding.hpp"
#include "settings/parts.hpp"
#include "settings/pretty_json.hpp"

namespace millrace::settings {

namespace {

namespace json = boost::json;

/// Whole numbers up to here are the same in every reader of JSON.
constexpr double exact_max = 9'007'199'254'740'991.0;

json::array strings(const std::vector<std::string>& items) { return json::array(items.begin(), items.end()); }

json::object pattern(std::string_view text) { return {{"type", "string"}, {"pattern", json::string_view{text}}}; }

json::object either(std::initializer_list<json::value_ref> shapes) { return {{"anyOf", json::array(shapes)}}; }

json::object whole_number(const option& declared) {
  json::object out{{"type", "integer"}, {"minimum", static_cast<std::uint64_t>(declared.at_least.value_or(0))}};
  if (declared.at_most && *declared.at_most <= exact_max)
    out["maximum"] = static_cast<std::uint64_t>(*declared.at_most);
  return out;
}

/// The shape of one value, as strict as a pattern can be; ranges of quantities with units are the reader's.
json::object shape_of(const option& declared) {
  static const std::string digits = "^[0-9]+([.][0-9]+)?";
  static const json::object any_scalar{{"type", json::array{"string", "number", "boolean"}}};
  switch (declared.kind) {
    case option_kind::flag:
      return {{"type", "boolean"}};
    case option_kind::count:
      return either({whole_number(declared), pattern(digits + "[kMGT]?$")});
    case option_kind::size:
      return either({whole_number(declared), pattern(digits + "(B|[kMGT]B|[KMGT]iB)?$")});
    case option_kind::time: {
      const std::string one = digits.substr(1) + "(ns|us|µs|ms|s|m|h|d)";
      json::object length = pattern("^(" + one + ")+$");
      if (declared.at_least.value_or(0) > 0) return length;
      return either({json::object{{"const", 0}}, pattern("^0$"), length});
    }
    case option_kind::rate:
      return either({json::object{{"type", "number"}, {"exclusiveMinimum", 0}},
                     pattern(digits + "([eE][+-]?[0-9]+|[kMG])?(/[smhd])?$")});
    case option_kind::real:
      return either({json::object{{"type", "number"}}, pattern("^-?[0-9]")});
    case option_kind::choice:
      return {{"enum", strings(declared.choices)}};
    case option_kind::text:
      return any_scalar;
    case option_kind::text_list: {
      json::object list{{"type", "array"}, {"items", any_scalar}};
      if (declared.required) list["minItems"] = 1;
      return either({any_scalar, list});
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
  for (const auto& member : shape_of(declared)) out.insert(member);
  return out;
}

json::object map_of(const std::vector<const option_table*>& tables, json::object properties,
                    std::vector<std::string> required, const void* defaults) {
  for (const option_table* table : tables) {
    const std::shared_ptr<void> made = defaults == nullptr ? table->make() : nullptr;
    for (const option& each : table->options()) {
      if (!each.planned.empty()) continue;
      properties[each.key] = describe(each, defaults != nullptr ? defaults : made.get());
      if (each.required) required.push_back(each.key);
    }
  }
  json::object out{{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(properties)}};
  if (!required.empty()) out["required"] = strings(required);
  return out;
}

/// A map by names, each value of which is `value`.
json::object named(const json::object& value) {
  const std::string first = "A-Za-z0-9" + std::string{queue_name_marks};
  const std::string name = "^[" + first + "][" + first + "-]{0," + std::to_string(queue_name_bytes_max - 1) + "}$";
  return {{"type", "object"},
          {"maxProperties", named_parts_max},
          {"propertyNames", json::object{{"pattern", name}}},
          {"additionalProperties", value}};
}

/// The word under `key` picks which keys there can be beside the common ones: if it is this, then those.
template <class Registry>
json::object by_kind(const std::string& key, const Registry& registry, const option_table& common) {
  const std::vector<std::string> names = registry.names();
  json::array branches;
  for (const std::string& name : names) {
    const auto* kind = registry.find(name);
    const json::object word{{"const", name}, {"description", as_sentence(kind->summary)}};
    const json::object condition{{"properties", json::object{{key, json::object{{"const", name}}}}},
                                 {"required", strings({key})}};
    branches.push_back(
        json::object{{"if", condition}, {"then", map_of({&common, kind->options}, {{key, word}}, {key})}});
  }
  json::object out{{"type", "object"},
                   {"required", strings({key})},
                   {"properties", json::object{{key, json::object{{"enum", strings(names)}}}}}};
  if (!branches.empty()) out["allOf"] = std::move(branches);
  return out;
}

}  // namespace

std::string schema(const vocabulary& words) {
  const json::object queue = map_of({&engine::queue_option_table()}, {}, {});
  const json::object parts{
      {"daemon", map_of({&daemon_option_table()}, {}, {})},
      {"queue_defaults", queue},
      {"queues", named(queue)},
      {"producers", named(by_kind("kind", words.sources, workload::producer_option_table()))},
      {"consumers", named(by_kind("handler", words.handlers, workload::consumer_option_table()))},
  };
  return pretty_json(json::object{{"$schema", "http://json-schema.org/draft-07/schema#"},
                                  {"title", "Settings of millraced"},
                                  {"type", "object"},
                                  {"additionalProperties", false},
                                  {"properties", parts}});
}

}  // namespace millrace::settings
