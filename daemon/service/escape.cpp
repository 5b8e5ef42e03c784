#include "service/escape.hpp"

#include <cstddef>
#include <cstdio>

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

/// Length of the UTF-8 sequence at the start of `text`, or 0 if there is none: shortest form, no surrogates, up to
/// U+10FFFF (RFC 3629).
std::size_t sequence(std::string_view text) {
  const auto at = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [&at](std::size_t i) { return (at(i) & 0xC0u) == 0x80u; };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool shortest = first != 0xE0 || at(1) >= 0xA0;
    const bool no_surrogate = first != 0xED || at(1) <= 0x9F;
    return follows(1) && follows(2) && shortest && no_surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool in_range = (first != 0xF0 || at(1) >= 0x90) && (first != 0xF4 || at(1) <= 0x8F);
    return follows(1) && follows(2) && follows(3) && in_range ? 4 : 0;
  }
  return 0;
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
    } else if (length = sequence(text); length == 0) {
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
