#include "tools/compare_report.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <string_view>

#include "base/utf8.hpp"
#include "tools/control_tables.hpp"
#include "tools/figures.hpp"

namespace millrace::tools {
namespace {

namespace json = boost::json;

constexpr std::size_t shown_lines_max = 20;
constexpr std::size_t shown_name_bytes_max = 40;

double memory_bytes(const program_run& run) { return static_cast<double>(run.peak_memory_bytes); }
double switches(const program_run& run) { return static_cast<double>(run.context_switches); }

std::string in_mebibytes(double bytes) { return in_short(bytes / (1024 * 1024)) + " MiB"; }

std::string quantiles_text(const std::optional<two_quantiles>& of) {
  return of ? seconds_in_short(of->p50) + " / " + seconds_in_short(of->p99) : "-";
}

std::string wall_text(const contestant& of) {
  const auto wall = spread_of(of, wall_seconds);
  if (of.runs.size() == 1) return seconds_in_short(wall.median);
  return seconds_in_short(wall.median) + " (" + seconds_in_short(wall.least) + " – " + seconds_in_short(wall.most) +
         ")";
}

/// Control characters would change the terminal or break the row.
std::string in_one_row(std::string text) {
  std::ranges::replace_if(
      text, [](char byte) { return (byte >= 0 && byte < ' ') || byte == 0x7f; }, ' ');
  return text;
}

std::optional<two_quantiles> quantiles_of(const json::object& summary, std::string_view key) {
  const auto* const found = summary.if_contains(key);
  if (found == nullptr || !found->is_object()) return std::nullopt;
  return two_quantiles{found->at("p50").to_number<double>(), found->at("p99").to_number<double>()};
}

json::value json_of(const std::optional<two_quantiles>& of) {
  if (!of) return nullptr;
  return json::object{{"p50", of->p50}, {"p99", of->p99}};
}

json::object json_of(const spread& of) { return {{"median", of.median}, {"least", of.least}, {"most", of.most}}; }

json::array lines_of(const program_run& run) {
  json::array lines;
  lines.reserve(run.lines.size());
  for (const auto& line : run.lines)
    lines.push_back(json::object{{"seconds", in_seconds(line.at)}, {"text", line.text}});
  return lines;
}

}  // namespace

std::string order_of(const program_run& run) {
  std::string text;
  for (std::size_t n = 0; n < std::min(run.lines.size(), shown_lines_max); ++n)
    text += (n == 0 ? "" : ", ") + run.lines[n].text;
  if (run.line_count > shown_lines_max) text += ", … " + std::to_string(run.line_count) + " lines";
  return text.empty() ? "(nothing)" : in_one_row(std::move(text));
}

double wall_seconds(const program_run& run) { return in_seconds(run.wall); }
double processor_seconds(const program_run& run) { return in_seconds(run.cpu); }

spread spread_of(const contestant& of, double (*figure)(const program_run&)) {
  std::vector<double> values;
  values.reserve(of.runs.size());
  for (const auto& run : of.runs) values.push_back(figure(run));
  const auto [least, most] = std::ranges::minmax(values);
  return {median_of(values), least, most};
}

void read_summary(contestant& of) {
  std::string_view text = of.runs.back().error_output;
  while (text.ends_with('\n')) text.remove_suffix(1);
  boost::system::error_code failed;
  const auto summary = json::parse(text.substr(text.rfind('\n') + 1), failed);
  if (failed || !summary.is_object()) return;
  of.service = quantiles_of(summary.get_object(), "service_seconds");
  of.loop_lag = quantiles_of(summary.get_object(), "loop_lag_seconds");
}

std::string comparison_table(std::span<const contestant> all) {
  std::vector<std::vector<std::string>> rows{
      {"WORKLOAD", "MODE", "WALL", "CPU", "MEMORY", "SWITCHES", "JOB P50 / P99", "LOOP LAG P50 / P99", "STATUS"}};
  std::vector<std::vector<std::string>> orders{{"WORKLOAD", "MODE", "PRINTED"}};
  for (const auto& one : all) {
    const std::string workload = one.is_mode() ? one.workload : "-";
    const std::string name = in_one_row(std::string{utf8_prefix(one.name, shown_name_bytes_max)});
    rows.push_back({workload, name, wall_text(one), seconds_in_short(spread_of(one, processor_seconds).median),
                    in_mebibytes(spread_of(one, memory_bytes).median), in_short(spread_of(one, switches).median),
                    quantiles_text(one.service), quantiles_text(one.loop_lag), std::to_string(one.runs.back().status)});
    orders.push_back({workload, name, order_of(one.runs.back())});
  }
  return table(rows) + "\n" + table(orders);
}

std::string comparison_json(std::span<const contestant> all, std::uint32_t runs) {
  json::array results;
  results.reserve(all.size());
  for (const auto& one : all) {
    json::array command;
    for (const auto& word : one.command) command.emplace_back(word);
    results.push_back(json::object{
        {"workload", one.workload},
        {"name", one.name},
        {"command", std::move(command)},
        {"exit_status", one.runs.back().status},
        {"wall_seconds", json_of(spread_of(one, wall_seconds))},
        {"processor_seconds", json_of(spread_of(one, processor_seconds))},
        {"peak_memory_bytes", json_of(spread_of(one, memory_bytes))},
        {"context_switches", json_of(spread_of(one, switches))},
        {"service_seconds", json_of(one.service)},
        {"loop_lag_seconds", json_of(one.loop_lag)},
        {"lines", lines_of(one.runs.back())},
    });
  }
  return json::serialize(json::object{{"runs", runs}, {"results", std::move(results)}}) + '\n';
}

}  // namespace millrace::tools
