#pragma once

#include <array>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <string>

namespace millrace {

/// A value of JSON as the text of a job: a string as it is, all else as JSON. The callers link Boost.JSON.
[[nodiscard]] inline std::string text_of_json(const boost::json::value& value) {
  if (const auto* const text = value.if_string()) return {text->data(), text->size()};
  if (const auto* const number = value.if_double()) {
    // As people write numbers: Boost writes 1.5 as `1.5E0`.
    std::array<char, 32> digits{};
    return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), *number).ptr};
  }
  return boost::json::serialize(value);
}

}  // namespace millrace
