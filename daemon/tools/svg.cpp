#include "tools/svg.hpp"

#include <array>
#include <cstdio>

#include "base/utf8.hpp"

namespace millrace::tools::svg {

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value);
  return text.data();
}

namespace {

/// `Char` of https://www.w3.org/TR/xml/#charsets, without the line breaks and tabs, which a drawing does not need.
/// UTF-8 holds no surrogates.
bool is_allowed(char32_t code) { return code >= 0x20 && code != 0xFFFE && code != 0xFFFF; }

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto [length, code] = first_character(text);
    const auto bytes = text.substr(0, length == 0 ? 1 : length);
    text.remove_prefix(bytes.size());
    if (length == 0)
      out += "\xEF\xBF\xBD";
    else if (code == '&')
      out += "&amp;";
    else if (code == '<')
      out += "&lt;";
    else if (code == '>')
      out += "&gt;";
    else if (code == '"')
      out += "&quot;";
    else if (is_allowed(code))
      out += bytes;
  }
  return out;
}

std::string text(double x, double y, std::string_view look, std::string_view words) {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" " + std::string{look} + ">" + escaped(words) +
         "</text>\n";
}

std::string line(double x1, double y1, double x2, double y2, std::string_view look) {
  return "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) + "\" y2=\"" + number(y2) +
         "\" " + std::string{look} + "/>\n";
}

std::string box(double x, double y, double width, double height, std::string_view look) {
  return "<rect x=\"" + number(x) + "\" y=\"" + number(y) + "\" width=\"" + number(width) + "\" height=\"" +
         number(height) + "\" " + std::string{look} + "/>\n";
}

}  // namespace millrace::tools::svg
