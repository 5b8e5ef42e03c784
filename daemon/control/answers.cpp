#include "control/answers.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <stdexcept>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <millrace/base/quantity.hpp>

#include "base/utf8.hpp"

namespace millrace::control {

namespace json = boost::json;

namespace {

constexpr std::string_view json_type = "application/json";
/// Names and values of a request are cut to this before they are sent back.
constexpr std::size_t quoted_bytes_max = 100;

std::string in_backticks(std::string_view text) { return "`" + std::string{text.substr(0, quoted_bytes_max)} + "`"; }

bool is_one_of(std::string_view word, std::string_view words) {
  while (!words.empty()) {
    const auto end = std::min(words.find(' '), words.size());
    if (words.substr(0, end) == word) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

refusal unknown(const char* part, std::string_view key, std::string_view keys) {
  return {400, "unknown_key",
          in_backticks(key) + " is not known" + (keys.empty() ? "." : " (known: " + std::string{keys} + ")."),
          std::string{part} + "." + std::string{key.substr(0, quoted_bytes_max)}};
}

refusal wrong_value(std::string_view key, std::string_view text, const std::string& expected) {
  return {400, "invalid_value", in_backticks(text) + " is not " + expected + ".", "query." + std::string{key}};
}

}  // namespace

void throw_exception_from_error(const refusal& reason, const boost::source_location&) {
  throw std::runtime_error{reason.message};
}

http::response json_answer(unsigned status, const json::value& content) {
  return json_text_answer(status, json_text(content));
}

http::response json_text_answer(unsigned status, std::string text) {
  http::response made;
  made.status = status;
  made.content_type = json_type;
  text += '\n';
  made.body = std::make_shared<std::string const>(std::move(text));
  return made;
}

// Names of files need not be UTF-8.
std::string json_text(const json::value& content) { return to_utf8(json::serialize(content)); }

http::response refuse(const refusal& reason) {
  return json_answer(
      reason.status,
      json::object{{"error", {{"code", reason.code}, {"message", reason.message}, {"where", reason.part}}}});
}

checked<json::object> body_of(const http::request& request, std::string_view keys) {
  if (request.body.empty()) return json::object{};
  boost::system::error_code failure;
  auto content = json::parse(request.body, failure);
  if (failure) return refusal{400, "invalid_json", "The body is not JSON: " + failure.message() + ".", "body"};
  if (!content.is_object()) return refusal{400, "invalid_json", "The body is not a JSON object.", "body"};
  for (const auto& member : content.get_object()) {
    const std::string_view key{member.key().data(), member.key().size()};
    if (!is_one_of(key, keys)) return unknown("body", key, keys);
  }
  return std::move(content.get_object());
}

checked<query> query::of(const http::request& request, std::string_view keys) {
  query read;
  std::string_view left = request.query;
  while (!left.empty()) {
    const auto end = std::min(left.find('&'), left.size());
    const auto part = left.substr(0, end);
    left.remove_prefix(std::min(end + 1, left.size()));
    const auto equals = std::min(part.find('='), part.size());
    const auto key = http::percent_decoded(part.substr(0, equals));
    auto value = http::percent_decoded(part.substr(std::min(equals + 1, part.size())));
    if (!key || !value)
      return refusal{400, "invalid_value", "A `%` is not followed by two hexadecimal digits.", "query"};
    if (!is_one_of(*key, keys)) return unknown("query", *key, keys);
    if (!read.values_.emplace(*key, std::move(*value)).second)
      return refusal{400, "invalid_value", in_backticks(*key) + " is given twice.", "query." + *key};
  }
  return read;
}

const std::string* query::find(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

checked<std::uint64_t> query::number(std::string_view key, std::uint64_t least, std::uint64_t most,
                                     std::uint64_t otherwise) const {
  const auto* const text = find(key);
  if (text == nullptr) return otherwise;
  std::uint64_t value = 0;
  const auto* const end = text->data() + text->size();
  const auto [stop, failure] = std::from_chars(text->data(), end, value);
  if (text->empty() || failure != std::errc{} || stop != end || value < least || value > most)
    return wrong_value(key, *text, "a number from " + std::to_string(least) + " to " + std::to_string(most));
  return value;
}

checked<bool> query::flag(std::string_view key) const {
  const auto* const text = find(key);
  if (text == nullptr) return false;
  if (*text == "1" || *text == "true") return true;
  if (*text == "0" || *text == "false") return false;
  return wrong_value(key, *text, "0 or 1");
}

checked<duration> query::length(std::string_view key, duration most) const {
  const auto* const text = find(key);
  if (text == nullptr) return duration::zero();
  const auto value = parse_duration(*text);
  if (!value || *value > most) return wrong_value(key, *text, "a duration of at most " + write_duration(most));
  return *value;
}

json::value text_or_null(const std::string& text) {
  json::value shown;
  if (!text.empty()) shown = text;
  return shown;
}

json::value seconds_since(instant begin, instant now) {
  if (begin == never) return nullptr;
  return in_seconds(age(begin, now));
}

}  // namespace millrace::control
