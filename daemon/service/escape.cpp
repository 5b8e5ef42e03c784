#include "service/escape.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "base/quoted.hpp"
#include "base/utf8.hpp"

namespace millrace::service {
namespace {

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

}  // namespace

std::string one_line(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  for (const char each : text) {
    if (is_control(each)) {
      append_escape(line, static_cast<unsigned char>(each));
    } else {
      line += each;
    }
  }
  return line;
}

std::string plain_or_quoted(std::string_view text) {
  const bool plain = !text.empty() && std::none_of(text.begin(), text.end(), [](char each) {
    return is_control(each) || each == ' ' || each == '"' || each == '=' || each == '\\';
  });
  return plain ? std::string{text} : double_quoted(text);
}

std::string json_string(std::string_view text) {
  return boost::json::serialize(boost::json::string_view{to_utf8(text)});
}

}  // namespace millrace::service
