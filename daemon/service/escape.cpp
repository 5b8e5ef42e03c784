#include "service/escape.hpp"

#include <cstddef>
#include <cstdio>

#include "base/utf8.hpp"

namespace millrace::service {
namespace {

bool is_control(unsigned char c) { return c < 0x20 || c == 0x7f; }

void append_escaped(std::string& into, unsigned char c, const char* other) {
  switch (c) {
    case '\n':
      into += "\\n";
      return;
    case '\r':
      into += "\\r";
      return;
    case '\t':
      into += "\\t";
      return;
    default:
      break;
  }
  char text[8];
  std::snprintf(text, sizeof text, other, c);
  into += text;
}

}  // namespace

std::string one_line(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  for (const char raw : text) {
    const auto c = static_cast<unsigned char>(raw);
    if (is_control(c)) {
      append_escaped(line, c, "\\x%02x");
    } else {
      line += raw;
    }
  }
  return line;
}

std::string plain_or_quoted(std::string_view text) {
  bool plain = !text.empty();
  for (const char raw : text)
    plain =
        plain && !is_control(static_cast<unsigned char>(raw)) && raw != ' ' && raw != '"' && raw != '=' && raw != '\\';
  if (plain) return std::string{text};
  std::string quoted = "\"";
  for (const char raw : text) {
    const auto c = static_cast<unsigned char>(raw);
    if (is_control(c)) {
      append_escaped(quoted, c, "\\x%02x");
    } else {
      if (raw == '"' || raw == '\\') quoted += '\\';
      quoted += raw;
    }
  }
  return quoted + '"';
}

std::string json_string(std::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text.front());
    std::size_t length = 1;
    if (is_control(c)) {
      append_escaped(json, c, "\\u%04x");
    } else if (c == '"' || c == '\\') {
      json += '\\';
      json += text.front();
    } else if (length = utf8_length(text); length == 0) {
      json += "\\ufffd";
      length = 1;
    } else {
      json += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return json + '"';
}

}  // namespace millrace::service
