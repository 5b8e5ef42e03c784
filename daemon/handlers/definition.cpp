#include "handlers/definition.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <vector>

namespace millrace::handlers {

namespace json = boost::json;

namespace {

std::string text_of(const json::string& text) { return {text.data(), text.size()}; }

json::object write_options(const option_table& table, const void* owner) {
  json::object written;
  for (const option& declared : table.options()) {
    if (!declared.planned.empty()) continue;
    if (declared.kind == option_kind::section) {
      const void* const part = declared.view_section(owner);
      if (part != nullptr) written[declared.key] = write_options(*declared.section, part);
    } else if (declared.kind == option_kind::text_list) {
      json::array items;
      for (const auto& item : declared.print_list(owner)) items.emplace_back(item);
      written[declared.key] = std::move(items);
    } else if (const auto value = declared.print(owner)) {
      written[declared.key] = *value;
    }
  }
  return written;
}

result<> read_option(const option& declared, const json::value& value, void* owner);

result<> read_options(const option_table& table, const json::object& written, void* owner) {
  for (const auto& member : written) {
    const option* const declared = table.find({member.key().data(), member.key().size()});
    if (declared == nullptr) return invalid("there is no option " + std::string{member.key()});
    if (auto read = read_option(*declared, member.value(), owner); !read) return read.error();
  }
  return {};
}

result<> read_option(const option& declared, const json::value& value, void* owner) {
  if (declared.kind == option_kind::section && value.is_object())
    return read_options(*declared.section, value.get_object(), declared.open_section(owner));
  if (declared.kind == option_kind::text_list && value.is_array()) {
    std::vector<std::string> items;
    for (const auto& item : value.get_array()) {
      if (!item.is_string()) return invalid("an item of " + declared.key + " is no text");
      items.push_back(text_of(item.get_string()));
    }
    return declared.read_list(owner, items);
  }
  if (!value.is_string() || !declared.read) return invalid("the option " + declared.key + " has another form");
  return declared.read(owner, text_of(value.get_string()));
}

}  // namespace

std::string write_definition(const kind& handler_kind, const void* owner) {
  return json::serialize(
      json::object{{"handler", handler_kind.name}, {"options", write_options(*handler_kind.options, owner)}});
}

result<handler> read_definition(std::string_view text, const registry& kinds, const handler_context& context) {
  boost::system::error_code failure;
  const auto parsed = json::parse({text.data(), text.size()}, failure);
  const auto* const written = failure ? nullptr : parsed.if_object();
  const auto* const name = written == nullptr ? nullptr : written->if_contains("handler");
  const auto* const options = written == nullptr ? nullptr : written->if_contains("options");
  if (name == nullptr || options == nullptr || !name->is_string() || !options->is_object())
    return invalid("this is not the definition of a handler");
  const auto* const handler_kind = kinds.find(text_of(name->get_string()));
  if (handler_kind == nullptr) return invalid("this program has no handler " + text_of(name->get_string()));
  const auto owner = handler_kind->options->make();
  if (auto read = read_options(*handler_kind->options, options->get_object(), owner.get()); !read) return read.error();
  return handler_kind->make(owner.get(), context);
}

}  // namespace millrace::handlers
