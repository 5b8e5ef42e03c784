#include "tools/svg.hpp"

#include <array>
#include <cstdio>

namespace millrace::tools::svg {

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value);
  return text.data();
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (static_cast<unsigned char>(c) >= 0x20)
      out += c;
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
