#include "http/negotiation.hpp"

#include <algorithm>
#include <optional>

#include "http/header_text.hpp"

namespace millrace::http {

namespace {

constexpr unsigned full_weight = 1000;

/// Reads `0`, `0.5`, `1.000`: at most three decimals, at most 1 (RFC 9110, 12.4.2).
std::optional<unsigned> read_weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  unsigned weight = text[0] == '1' ? full_weight : 0;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  unsigned digit_weight = 100;
  for (std::size_t i = 2; i < text.size(); ++i, digit_weight /= 10) {
    if (!is_digit(text[i])) return std::nullopt;
    weight += digit_weight * static_cast<unsigned>(text[i] - '0');
  }
  return weight <= full_weight ? std::optional{weight} : std::nullopt;
}

/// One element of a list of preferences.
struct preference {
  std::string_view name;     ///< `text/plain`, `gzip`, `*`
  std::string_view version;  ///< empty: any
  unsigned weight{full_weight};
};

std::string_view unquoted(std::string_view text) {
  return text.size() >= 2 && text.front() == '"' && text.back() == '"' ? text.substr(1, text.size() - 2) : text;
}

/// nullopt if it is malformed.
std::optional<preference> read_preference(std::string_view element) {
  preference read;
  read.name = take_element(element, ';');
  if (read.name.empty() || !std::ranges::all_of(read.name, [](char c) { return is_token_character(c) || c == '/'; }))
    return std::nullopt;
  while (!element.empty()) {
    auto parameter = take_element(element, ';');
    const auto key = take_element(parameter, '=');
    if (equal_ignoring_case(key, "version")) read.version = unquoted(trimmed(parameter));
    if (!equal_ignoring_case(key, "q")) continue;
    const auto weight = read_weight(trimmed(parameter));
    if (!weight) return std::nullopt;
    read.weight = *weight;
  }
  return read;
}

/// How well a list of preferences fits a media type.
struct type_match {
  enum class by { nothing, any, type, name, version };

  by found{by::nothing};
  unsigned weight{0};
};

type_match match_type(std::string_view accept, std::string_view type, std::string_view version) {
  using by = type_match::by;
  const auto group = type.substr(0, type.find('/'));
  type_match best;
  while (!accept.empty()) {
    const auto read = read_preference(take_element(accept));
    if (!read) continue;
    auto found = by::nothing;
    if (equal_ignoring_case(read->name, type))
      found = read->version.empty() ? by::name : read->version == version ? by::version : by::nothing;
    else if (read->name == "*/*")
      found = by::any;
    else if (read->name.ends_with("/*") && equal_ignoring_case(read->name.substr(0, read->name.size() - 2), group))
      found = by::type;
    if (found > best.found) best = {found, read->weight};
  }
  return best;
}

}  // namespace

unsigned weight_of_type(std::string_view accept, std::string_view type, std::string_view version) {
  return trimmed(accept).empty() ? full_weight : match_type(accept, type, version).weight;
}

bool names_type(std::string_view accept, std::string_view type, std::string_view version) {
  const auto match = match_type(accept, type, version);
  return match.found > type_match::by::any && match.weight > 0;
}

bool prefers_gzip(std::string_view accept_encoding) {
  std::optional<unsigned> gzip, any;
  unsigned identity = 0;
  while (!accept_encoding.empty()) {
    const auto read = read_preference(take_element(accept_encoding));
    if (!read) continue;
    if (equal_ignoring_case(read->name, "gzip") || equal_ignoring_case(read->name, "x-gzip"))
      gzip = read->weight;
    else if (read->name == "*")
      any = read->weight;
    else if (equal_ignoring_case(read->name, "identity"))
      identity = read->weight;
  }
  const auto weight = gzip.value_or(any.value_or(0));
  return weight > 0 && weight >= identity;
}

}  // namespace millrace::http
