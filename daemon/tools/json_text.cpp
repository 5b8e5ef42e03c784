#include "tools/json_text.hpp"

#include <cmath>
#include <cstdint>

#include <boost/json/serialize.hpp>

namespace millrace::tools {

namespace json = boost::json;

std::string text_of(const json::object& object, std::string_view key) {
  const auto* const found = object.if_contains(key);
  if (found == nullptr || found->is_null()) return "-";
  if (found->is_string()) return std::string{found->get_string()};
  return json::serialize(*found);
}

const json::object& object_of(const json::object& object, std::string_view key) {
  static const json::object none;
  const auto* const found = object.if_contains(key);
  return found != nullptr && found->is_object() ? found->get_object() : none;
}

const json::array& array_of(const json::object& object, std::string_view key) {
  static const json::array none;
  const auto* const found = object.if_contains(key);
  return found != nullptr && found->is_array() ? found->get_array() : none;
}

std::string time_of(const json::object& object, std::string_view key) {
  const auto* const found = object.if_contains(key);
  if (found == nullptr || !found->is_number()) return "-";
  const double seconds = found->to_number<double>();
  if (!std::isfinite(seconds) || seconds < 0) return "-";
  constexpr double minute = 60;
  constexpr double hour = 60 * minute;
  constexpr double day = 24 * hour;
  constexpr double tenths = 10;
  const auto whole = [](double value) { return std::to_string(static_cast<std::uint64_t>(value)); };
  const auto rest = [](double value, double unit) { return value - std::floor(value / unit) * unit; };
  if (seconds < minute) {
    const auto shown = static_cast<std::uint64_t>(seconds * tenths);
    return std::to_string(shown / 10) + "." + std::to_string(shown % 10) + "s";
  }
  if (seconds < hour) return whole(seconds / minute) + "m " + whole(rest(seconds, minute)) + "s";
  if (seconds < day) return whole(seconds / hour) + "h " + whole(rest(seconds, hour) / minute) + "m";
  return whole(seconds / day) + "d " + whole(rest(seconds, day) / hour) + "h";
}

std::string count_of(const json::object& object, std::string_view key, const std::string& noun) {
  const auto count = text_of(object, key);
  return count + " " + noun + (count == "1" ? "" : "s");
}

std::string rate_of(const json::object& object, std::string_view key) {
  const auto* const found = object.if_contains(key);
  if (found == nullptr || !found->is_number()) return "-";
  const double rate = found->to_number<double>();
  if (!std::isfinite(rate) || rate < 0) return "-";
  constexpr double whole_from = 100;
  constexpr double hundredths = 100;
  if (rate >= whole_from) return std::to_string(std::llround(rate));
  const auto shown = static_cast<std::uint64_t>(std::llround(rate * hundredths));
  const auto rest = std::to_string(shown % 100);
  return std::to_string(shown / 100) + "." + (rest.size() < 2 ? "0" : "") + rest;
}

}  // namespace millrace::tools
