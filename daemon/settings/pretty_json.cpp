#include "settings/pretty_json.hpp"

#include <boost/json.hpp>
#include <string_view>

#include "settings/indented.hpp"

namespace millrace::settings {

namespace {

namespace json = boost::json;

constexpr std::size_t line_bytes_max = 100;

std::string key_text(std::string_view key) { return json::serialize(json::string_view{key}) + ": "; }

std::string line_of(const json::value& value) {
  std::string text;
  if (const auto* object = value.if_object()) {
    for (const auto& member : *object) {
      text.append(text.empty() ? "{" : ", ").append(key_text(member.key())).append(line_of(member.value()));
    }
    return text.empty() ? "{}" : text + '}';
  }
  if (const auto* array = value.if_array()) {
    for (const auto& item : *array) text.append(text.empty() ? "[" : ", ").append(line_of(item));
    return text.empty() ? "[]" : text + ']';
  }
  return json::serialize(value);
}

/// `head` is the key of a member and its colon. `end` is the comma after the value.
void write(indented_text& out, const std::string& head, const json::value& value, std::string_view end) {
  const std::string line = head + line_of(value);
  if (line.size() + 2 * out.depth() <= line_bytes_max || !value.is_structured())
    return out.line(std::string{line}.append(end));
  std::size_t left = value.is_object() ? value.get_object().size() : value.get_array().size();
  const auto comma = [&left] { return --left > 0 ? "," : ""; };
  out.line(head + (value.is_object() ? '{' : '['));
  {
    const auto inner = out.deeper();
    if (value.is_object()) {
      for (const auto& member : value.get_object()) write(out, key_text(member.key()), member.value(), comma());
    } else {
      for (const auto& item : value.get_array()) write(out, "", item, comma());
    }
  }
  out.line((value.is_object() ? "}" : "]") + std::string{end});
}

}  // namespace

std::string pretty_json(const json::value& root) {
  indented_text out;
  write(out, "", root, "");
  return out.take();
}

}  // namespace millrace::settings
