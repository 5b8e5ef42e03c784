#include "tools/trace_rows.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include <boost/json.hpp>

#include "base/quoted.hpp"
#include "tools/json_text.hpp"

namespace millrace::tools {

namespace json = boost::json;

namespace {

constexpr double microseconds_a_second = 1e6;

/// No trace is as long as this. The limit keeps the sums of all its times small enough to be shown.
constexpr double seconds_max = 1e9;

double seconds_of(const json::object& event, std::string_view key) {
  const auto* const found = event.if_contains(key);
  return found != nullptr && found->is_number() ? found->to_number<double>() / microseconds_a_second : 0;
}

/// The key of a number of `event` that no trace can have; empty: there is none.
std::string_view absurd_key(const json::object& event) {
  for (const std::string_view key : {"ts", "dur"}) {
    const auto* const found = event.if_contains(key);
    if (found == nullptr) continue;
    const double seconds = seconds_of(event, key);
    // This form of the comparison refuses NaN, too.
    if (!found->is_number() || !(seconds >= 0 && seconds <= seconds_max)) return key;
  }
  for (const std::string_view key : {"pid", "tid"}) {
    const auto* const found = event.if_contains(key);
    if (found != nullptr && (!found->is_int64() || found->get_int64() < 0)) return key;
  }
  return {};
}

std::uint64_t number_of(const json::object& event, std::string_view key) {
  const auto* const found = event.if_contains(key);
  if (found == nullptr || !found->is_int64() || found->get_int64() < 0) return 0;
  return static_cast<std::uint64_t>(found->get_int64());
}

std::string string_of(const json::object& event, std::string_view key) {
  const auto* const found = event.if_contains(key);
  const auto* const text = found == nullptr ? nullptr : found->if_string();
  return text == nullptr ? std::string{} : std::string{*text};
}

/// Collects the events of one trace.
class collector {
 public:
  void take(const json::object& event) {
    const auto phase = string_of(event, "ph");
    if (phase == "M") {
      name_something(event);
    } else if (phase == "X") {
      add_bar(event);
    } else if (phase == "i") {
      all_.notes.push_back(string_of(event, "name"));
    }
    all_.seconds = std::max(all_.seconds, seconds_of(event, "ts") + seconds_of(event, "dur"));
  }

  trace_rows finish() {
    for (auto& [key, row] : rows_) {
      row.group = groups_[key.first];
      // Work stands before the waits within it, also if both begin at the same time.
      std::ranges::stable_sort(row.bars, {}, [](const trace_bar& bar) { return std::pair{bar.begin, bar.type}; });
    }
    for (auto& [key, row] : rows_)
      if (row.has_work()) all_.rows.push_back(std::move(row));
    sort();
    if (left_out_ > 0) all_.notes.push_back(std::to_string(left_out_) + " spans are not shown");
    return std::move(all_);
  }

 private:
  void name_something(const json::object& event) {
    const auto property = string_of(event, "name");
    auto name = string_of(object_of(event, "args"), "name");
    const auto group = number_of(event, "pid");
    if (property == "process_name") {
      groups_[group] = std::move(name);
    } else if (property == "thread_name") {
      rows_[{group, number_of(event, "tid")}].name = std::move(name);
    }
  }

  void add_bar(const json::object& event) {
    if (++bars_ > trace_bars_max) return void(++left_out_);
    const auto category = string_of(event, "cat");
    trace_bar bar;
    bar.type = category == "wait"    ? trace_bar::kind::wait
               : category == "store" ? trace_bar::kind::commit
                                     : trace_bar::kind::work;
    bar.begin = seconds_of(event, "ts");
    bar.length = seconds_of(event, "dur");
    bar.name = string_of(event, "name");
    const auto& facts = object_of(event, "args");
    bar.job = number_of(facts, "job");
    bar.outcome = string_of(facts, "outcome");
    rows_[{number_of(event, "pid"), number_of(event, "tid")}].bars.push_back(std::move(bar));
  }

  /// Slots of one consumer stand together, in the order of their numbers.
  void sort() {
    std::map<std::string, std::size_t> first;
    const auto parts = [](const trace_row& row) {
      const auto mark = row.name.rfind('#');
      const auto digits = mark == std::string::npos ? std::string_view{} : std::string_view{row.name}.substr(mark + 1);
      const bool is_slot =
          !digits.empty() && digits.size() < 10 && digits.find_first_not_of("0123456789") == std::string_view::npos;
      return is_slot ? std::pair{row.name.substr(0, mark), std::stoul(std::string{digits})} : std::pair{row.name, 0UL};
    };
    for (const auto& row : all_.rows) first.try_emplace(row.group + '\n' + parts(row).first, first.size());
    std::map<std::string, std::size_t> groups;
    for (const auto& row : all_.rows) groups.try_emplace(row.group, groups.size());
    std::vector<std::string> order;
    for (const auto& [number, name] : groups_) order.push_back(name);
    const auto position = [&](const trace_row& row) {
      return std::tuple{std::ranges::find(order, row.group) - order.begin(),
                        first.at(row.group + '\n' + parts(row).first), parts(row).second};
    };
    std::ranges::stable_sort(all_.rows, {}, position);
  }

  trace_rows all_;
  std::map<std::uint64_t, std::string> groups_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, trace_row> rows_;
  std::size_t bars_{0};
  std::uint64_t left_out_{0};
};

}  // namespace

bool trace_row::has_work() const noexcept {
  return std::ranges::any_of(bars, [](const trace_bar& bar) { return bar.type != trace_bar::kind::wait; });
}

result<trace_rows> read_trace(std::istream& from) {
  const auto no_trace = [] { return invalid("it is no trace of millraced"); };
  std::string line;
  if (!std::getline(from, line) || line != "[") return no_trace();
  collector all;
  bool cut_off = true;
  std::size_t events = 0;
  std::size_t number_of_line = 1;
  while (std::getline(from, line)) {
    if (line == "]") {
      cut_off = false;
      break;
    }
    ++number_of_line;
    if (line.ends_with(',')) line.pop_back();
    boost::system::error_code failed;
    const auto event = json::parse(line, failed);
    if (failed && from.peek() == std::istream::traits_type::eof()) break;
    if (failed || !event.is_object())
      return invalid("it is no trace of millraced: line " + std::to_string(number_of_line) + " is no event");
    if (const auto key = absurd_key(event.get_object()); !key.empty()) {
      return invalid("line " + std::to_string(number_of_line) + ": the event " +
                     double_quoted(string_of(event.get_object(), "name")) + " has a `" + std::string{key} +
                     "` that no trace has");
    }
    all.take(event.get_object());
    ++events;
  }
  if (events == 0) return no_trace();
  auto rows = all.finish();
  rows.cut_off = cut_off;
  return rows;
}

}  // namespace millrace::tools
