#include "settings/schema.hpp"

#include <optional>

#include "settings/consistency.hpp"
#include "settings/encoding.hpp"
#include "settings/json.hpp"
#include "settings/parts.hpp"

namespace millrace::settings {

namespace {

using json::value;

/// Whole numbers up to here are the same in every reader of JSON.
constexpr double exact_max = 9'007'199'254'740'991.0;

value pattern(std::string_view text) {
  return json::object({{"type", json::string("string")}, {"pattern", json::string(text)}});
}

value either(const std::vector<value>& these) { return json::object({{"anyOf", json::array(these)}}); }

value whole_number(const option& what) {
  json::members out{{"type", json::string("integer")},
                    {"minimum", json::number(static_cast<std::uint64_t>(what.at_least.value_or(0)))}};
  if (what.at_most && *what.at_most <= exact_max)
    out.emplace_back("maximum", json::number(static_cast<std::uint64_t>(*what.at_most)));
  return json::object(out);
}

/// The shape of one value, as strict as a pattern can be; ranges of quantities with units are the reader's.
value shape_of(const option& what) {
  static const std::string digits = "^[0-9]+([.][0-9]+)?";
  static const value any_scalar = json::object({{"type", json::strings({"string", "number", "boolean"})}});
  switch (what.kind) {
    case option_kind::flag:
      return json::object({{"type", json::string("boolean")}});
    case option_kind::count:
      return either({whole_number(what), pattern(digits + "[kMGT]?$")});
    case option_kind::size:
      return either({whole_number(what), pattern(digits + "(B|[kMGT]B|[KMGT]iB)?$")});
    case option_kind::time: {
      const std::string one = digits.substr(1) + "(ns|us|µs|ms|s|m|h|d)";
      value length = pattern("^(" + one + ")+$");
      if (what.at_least.value_or(0) > 0) return length;
      return either({json::object({{"const", json::number(0)}}), pattern("^0$"), length});
    }
    case option_kind::rate:
      return either({json::object({{"type", json::string("number")}, {"exclusiveMinimum", json::number(0)}}),
                     pattern(digits + "([eE][+-]?[0-9]+|[kMG])?(/[smhd])?$")});
    case option_kind::real:
      return either({json::object({{"type", json::string("number")}}), pattern("^-?[0-9]")});
    case option_kind::choice:
      return json::object({{"enum", json::strings(what.choices)}});
    case option_kind::text:
      return any_scalar;
    case option_kind::text_list: {
      json::members list{{"type", json::string("array")}, {"items", any_scalar}};
      if (what.required) list.emplace_back("minItems", json::number(1));
      return either({any_scalar, json::object(list)});
    }
    case option_kind::section:
      break;
  }
  return json::object({});
}

value map_of(const std::vector<const option_table*>& tables, json::members properties,
             std::vector<std::string> required, const void* defaults = nullptr);

value describe(const option& what, const void* defaults) {
  if (what.kind == option_kind::section)
    return map_of({what.section}, {}, {}, defaults != nullptr ? what.view_section(defaults) : nullptr);
  json::members out{{"description", json::string(as_sentence(what.reason) + " (" + what.expected + ")")}};
  if (defaults != nullptr && !what.required && what.print) {
    if (const auto now = what.print(defaults))
      out.emplace_back("default", what.kind == option_kind::flag ? json::boolean(*now == "true") : json::string(*now));
  }
  std::string shape = shape_of(what).text;
  std::string text = json::object(out).text;
  text.pop_back();
  return {text + ", " + shape.substr(1)};
}

value map_of(const std::vector<const option_table*>& tables, json::members properties,
             std::vector<std::string> required, const void* defaults) {
  for (const option_table* table : tables) {
    const std::shared_ptr<void> made = defaults == nullptr ? table->make() : nullptr;
    for (const option& each : table->options()) {
      if (!each.planned.empty()) continue;
      properties.emplace_back(each.key, describe(each, defaults != nullptr ? defaults : made.get()));
      if (each.required) required.push_back(each.key);
    }
  }
  json::members out{{"type", json::string("object")},
                    {"additionalProperties", json::boolean(false)},
                    {"properties", json::object(properties)}};
  if (!required.empty()) out.emplace_back("required", json::strings(required));
  return json::object(out);
}

/// A map by names, each value of which is `one`.
value named(const value& one) {
  const std::string first = "[A-Za-z0-9+/;.$_()]";
  const std::string rest = "[A-Za-z0-9+/;.$_()-]{0," + std::to_string(name_bytes_max - 1) + "}";
  return json::object({{"type", json::string("object")},
                       {"maxProperties", json::number(named_parts_max)},
                       {"propertyNames", json::object({{"pattern", json::string("^" + first + rest + "$")}})},
                       {"additionalProperties", one}});
}

/// The word under `key` picks which keys there can be beside the common ones: if it is this, then those.
template <class Registry>
value by_kind(const std::string& key, const Registry& registry, const option_table& common) {
  const std::vector<std::string> names = registry.names();
  std::vector<value> branches;
  for (const std::string& name : names) {
    const auto* kind = registry.find(name);
    const value word =
        json::object({{"const", json::string(name)}, {"description", json::string(as_sentence(kind->summary))}});
    branches.push_back(json::object(
        {{"if", json::object({{"properties", json::object({{key, json::object({{"const", json::string(name)}})}})},
                              {"required", json::strings({key})}})},
         {"then", map_of({&common, kind->options}, {{key, word}}, {key})}}));
  }
  json::members out{{"type", json::string("object")},
                    {"required", json::strings({key})},
                    {"properties", json::object({{key, json::object({{"enum", json::strings(names)}})}})}};
  if (!branches.empty()) out.emplace_back("allOf", json::array(branches));
  return json::object(out);
}

}  // namespace

std::string schema(const vocabulary& words) {
  const value queue = map_of({&engine::queue_option_table()}, {}, {});
  const json::members parts{
      {"daemon", map_of({&daemon_option_table()}, {}, {})},
      {"queue_defaults", queue},
      {"queues", named(queue)},
      {"producers", named(by_kind("kind", words.sources, workload::producer_option_table()))},
      {"consumers", named(by_kind("handler", words.handlers, workload::consumer_option_table()))},
  };
  return json::pretty(json::object({{"$schema", json::string("http://json-schema.org/draft-07/schema#")},
                                    {"title", json::string("Settings of millraced")},
                                    {"type", json::string("object")},
                                    {"additionalProperties", json::boolean(false)},
                                    {"properties", json::object(parts)}}));
}

}  // namespace millrace::settings
