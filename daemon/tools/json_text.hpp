#pragma once

#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

/// Members of JSON objects as text for people.
namespace millrace::tools {

/// The member as text without quotes; `-` if it is missing or null.
[[nodiscard]] std::string text_of(const boost::json::object& object, std::string_view key);
/// Empty if the member is missing or has another type.
[[nodiscard]] const boost::json::object& object_of(const boost::json::object& object, std::string_view key);
[[nodiscard]] const boost::json::array& array_of(const boost::json::object& object, std::string_view key);
/// Seconds as people read them: `1.5s`, `3h 12m`. `-` for null.
[[nodiscard]] std::string time_of(const boost::json::object& object, std::string_view key);
/// A number of jobs a second: `0.25`, `1200`. `-` for null.
[[nodiscard]] std::string rate_of(const boost::json::object& object, std::string_view key);
/// `1 job`, `2 jobs`.
[[nodiscard]] std::string count_of(const boost::json::object& object, std::string_view key, const std::string& noun);

}  // namespace millrace::tools
