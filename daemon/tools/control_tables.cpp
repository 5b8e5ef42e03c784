#include "tools/control_tables.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <millrace/base/quantity.hpp>

#include "base/utf8.hpp"

namespace millrace::tools {

namespace json = boost::json;

namespace {

using row = std::vector<std::string>;

/// The member as text without quotes; `-` if it is not there or null.
std::string text_of(const json::object& from, std::string_view key) {
  const auto* const found = from.if_contains(key);
  if (found == nullptr || found->is_null()) return "-";
  if (found->is_string()) return std::string{found->get_string()};
  return json::serialize(*found);
}

const json::object& object_of(const json::object& from, std::string_view key) {
  static const json::object none;
  const auto* const found = from.if_contains(key);
  return found != nullptr && found->is_object() ? found->get_object() : none;
}

const json::array& array_of(const json::object& from, std::string_view key) {
  static const json::array none;
  const auto* const found = from.if_contains(key);
  return found != nullptr && found->is_array() ? found->get_array() : none;
}

/// Seconds as people read them: `1.5s`, `3h 12m`. `-` for null.
std::string time_of(const json::object& from, std::string_view key) {
  const auto* const found = from.if_contains(key);
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

/// `1 job`, `2 jobs`.
std::string count_of(const json::object& from, std::string_view key, const std::string& noun) {
  const auto count = text_of(from, key);
  return count + " " + noun + (count == "1" ? "" : "s");
}

bool is_number(std::string_view text) {
  return text == "-" || text.find_first_not_of("0123456789.") == std::string_view::npos;
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }));
}

}  // namespace

std::string table(const std::vector<row>& rows) {
  constexpr std::string_view gap = "  ";
  std::string text;
  if (rows.empty()) return text;
  const std::size_t columns = rows.front().size();
  std::vector<std::size_t> widths(columns, 0);
  std::vector<bool> numeric(columns, rows.size() > 1);
  for (const auto& line : rows) {
    for (std::size_t n = 0; n < columns; ++n) {
      widths[n] = std::max(widths[n], width_of(line[n]));
      if (&line != &rows.front() && !is_number(line[n])) numeric[n] = false;
    }
  }
  for (const auto& line : rows) {
    std::string shown;
    for (std::size_t n = 0; n < columns; ++n) {
      const std::string fill(widths[n] - width_of(line[n]), ' ');
      if (n > 0) shown += gap;
      shown += numeric[n] ? fill + line[n] : line[n] + fill;
    }
    text += shown.substr(0, shown.find_last_not_of(' ') + 1) + '\n';
  }
  return text;
}

std::string status_text(const json::object& status) {
  std::string text = "millrace " + text_of(status, "version") + ", process " + text_of(status, "pid") +
                     ", running for " + time_of(status, "uptime_seconds") + "\n";
  const auto problem = text_of(status, "problem");
  std::vector<row> rows{{"state", text_of(status, "state") + (problem == "-" ? ", ready" : ", not ready: " + problem)}};
  rows.push_back({"settings", text_of(status, "settings_file")});
  const auto& store = object_of(status, "store");
  rows.push_back({"store", store.empty() ? "none: queues are in memory"
                                         : text_of(store, "data_dir") + ", " + text_of(store, "state")});
  for (const auto& one : array_of(status, "listeners")) {
    const auto& listener = one.as_object();
    rows.push_back({text_of(listener, "name"),
                    text_of(listener, "address") + ", " + count_of(listener, "connections", "connection")});
  }
  const auto& jobs = object_of(status, "jobs");
  rows.push_back({"jobs", text_of(jobs, "ready") + " ready, " + text_of(jobs, "reserved") + " reserved, " +
                              text_of(jobs, "delayed") + " delayed, " + text_of(jobs, "buried") + " buried in " +
                              count_of(status, "queues", "queue")});
  return text + table(rows);
}

std::string tasks_text(const json::object& answer) {
  std::vector<row> rows{{"TASK", "AGE", "TURNS", "WAITS FOR"}};
  for (const auto& one : array_of(answer, "tasks")) {
    const auto& task = one.as_object();
    rows.push_back(
        {text_of(task, "name"), time_of(task, "age_seconds"), text_of(task, "turns"), text_of(task, "waits_for")});
  }
  return table(rows);
}

}  // namespace millrace::tools
