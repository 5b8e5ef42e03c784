#include "settings/json.hpp"

#include <cstdio>

#include "settings/indented.hpp"

namespace millrace::settings::json {

namespace {

constexpr std::size_t line_bytes_max = 100;

bool opens(char c) { return c == '{' || c == '['; }
bool closes(char c) { return c == '}' || c == ']'; }

/// Where the value that begins at `at` ends: before the next comma, or the bracket that closes what is around it.
std::size_t end_of(std::string_view text, std::size_t at) {
  int depth = 0;
  for (bool quoted = false; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      if (c == '\\') ++at;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (opens(c)) {
      ++depth;
    } else if ((closes(c) && --depth < 0) || (c == ',' && depth == 0)) {
      break;
    }
  }
  return at;
}

/// Where the value of a member begins: after its key and colon, when it has one.
std::size_t value_begin(std::string_view member) {
  if (member.front() != '"') return 0;
  const std::size_t colon = member.find("\": ");
  return colon == std::string_view::npos ? 0 : colon + 3;
}

void write(indented& out, std::string_view text, std::string_view end) {
  const std::size_t begin = value_begin(text);
  if (text.size() + 2 * out.depth() <= line_bytes_max || begin >= text.size() || !opens(text[begin]))
    return out.line(std::string{text}.append(end));
  out.line(text.substr(0, begin + 1));
  {
    const auto inner = out.deeper();
    for (std::size_t at = begin + 1; at + 1 < text.size();) {
      const std::size_t stop = end_of(text, at);
      const bool more = text[stop] == ',';
      write(out, text.substr(at, stop - at), more ? "," : "");
      at = stop + (more ? 2 : 1);
    }
  }
  out.line(std::string{text.back()}.append(end));
}

}  // namespace

value string(std::string_view text) {
  std::string out{"\""};
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.append({'\\', c});
    } else if (static_cast<unsigned char>(c) < ' ') {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
      out += escaped;
    } else {
      out += c;
    }
  }
  return {out += '"'};
}

value number(std::uint64_t whole) { return {std::to_string(whole)}; }

value boolean(bool yes) { return {yes ? "true" : "false"}; }

value array(const std::vector<value>& items) {
  std::string out{"["};
  for (const value& item : items) out.append(out.size() > 1 ? ", " : "").append(item.text);
  return {out += ']'};
}

value strings(const std::vector<std::string>& items) {
  std::vector<value> quoted;
  quoted.reserve(items.size());
  for (const std::string& item : items) quoted.push_back(string(item));
  return array(quoted);
}

value object(const members& in_order) {
  std::string out{"{"};
  for (const auto& [key, held] : in_order)
    out.append(out.size() > 1 ? ", " : "").append(string(key).text).append(": ").append(held.text);
  return {out += '}'};
}

std::string pretty(const value& compact) {
  indented out;
  write(out, compact.text, "");
  return out.take();
}

}  // namespace millrace::settings::json
