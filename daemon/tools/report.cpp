#include "tools/report.hpp"

#include <array>
#include <cstdio>
#include <string_view>

#include <millrace/base/quantity.hpp>

#include "base/utf8.hpp"
#include "tools/chart.hpp"
#include "tools/figures.hpp"

namespace millrace::tools {
namespace {

constexpr std::size_t column = 11;

std::string right(std::string text, std::size_t width = column) {
  const std::size_t seen = utf8_character_count(text);
  if (seen < width) text.insert(0, width - seen, ' ');
  return text;
}

std::string left(std::string text, std::size_t width) {
  const std::size_t seen = utf8_character_count(text);
  if (seen < width) text.append(width - seen, ' ');
  return text;
}

std::string row(std::string_view name, const latencies& measured) {
  if (measured.count() == 0) return {};
  std::string text = "  " + left(std::string{name}, 16);
  for (const double share : {0.5, 0.9, 0.99, 0.999}) text += right(in_short(measured.quantile(share)));
  return text + right(in_short(measured.max())) + right(in_short(measured.mean())) +
         right(in_short(static_cast<double>(measured.count()))) + "\n";
}

std::string times(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), value < 10 ? "%.2f" : "%.1f", value);
  return text.data();
}

std::string ratio_line(std::string_view name, const ratio& measured) {
  return "  " + left(std::string{name}, 16) + right(times(measured.median)) + "   (" + times(measured.least) + " to " +
         times(measured.most) + ")\n";
}

std::string server_table(const server_result& server, const bench_options& options) {
  const run_stats all = server.merged();
  std::vector<double> jobs, commands;
  for (const auto& run : server.runs) {
    jobs.push_back(jobs_per_second(run, options.phase));
    commands.push_back(commands_per_second(run));
  }
  std::string text = server.server + "\n";
  text += "  " + in_short(median_of(jobs)) + " jobs/s, " + in_short(median_of(commands)) + " commands/s";
  text += server.runs.size() > 1 ? " (medians of " + std::to_string(server.runs.size()) + " runs)\n\n"
                                 : " in " + in_short(all.measured()) + "\n\n";
  text += "  " + left("latency", 16);
  for (const auto* name : {"p50", "p90", "p99", "p99.9", "max", "mean", "count"}) text += right(name);
  text += "\n";
  for (std::size_t at = 0; at < run_stats::kinds; ++at) text += row(run_stats::names[at], all.commands[at]);
  text += row("put to reserved", all.jobs);
  return text + row("sender's lag", all.lag);
}

}  // namespace

std::string shape_of(const bench_options& options) {
  static constexpr std::array<std::string_view, 3> phases{"put", "drain", "mix"};
  std::string text = options.rate > 0 ? "open loop at " + write_rate(options.rate) + " jobs/s, "
                                      : std::string{phases[static_cast<std::size_t>(options.phase)]} + ", ";
  text += std::to_string(options.connections) + " connections";
  if (options.rate == 0) text += " x depth " + std::to_string(options.depth);
  text += ", bodies of " + write_size(options.body_bytes) + (options.body_bytes < 1'000 ? " B" : "");
  if (options.queues > 1) text += ", " + std::to_string(options.queues) + " queues";
  if (options.idle_connections > 0) text += ", " + write_count(options.idle_connections) + " idle connections";
  if (options.extra_queues > 0) text += ", " + write_count(options.extra_queues) + " further queues";
  if (options.backlog > 0) text += ", a backlog of " + write_count(options.backlog) + " jobs";
  return text;
}

std::string line_of(const run_stats& run, const bench_options& options) {
  return in_short(jobs_per_second(run, options.phase)) + " jobs/s, " + in_short(commands_per_second(run)) +
         " commands/s, p50 " + in_short(headline(run, options.phase).quantile(0.5)) + ", p99 " +
         in_short(headline(run, options.phase).quantile(0.99));
}

std::string table_of(const std::vector<server_result>& servers, const bench_options& options) {
  std::string text = shape_of(options) + "\n";
  for (const auto& server : servers) text += "\n" + server_table(server, options);
  if (servers.size() < 2) return text;
  text += "\n" + servers[0].server + " against " + servers[1].server + ", pair by pair: median (least to most)\n";
  text += ratio_line("jobs/s", throughput_ratio(servers[0], servers[1], options.phase));
  return text + ratio_line("p99 latency", p99_ratio(servers[0], servers[1], options.phase));
}

std::string picture_of(const std::vector<server_result>& servers, const bench_options& options) {
  std::vector<run_stats> all;
  all.reserve(servers.size());
  for (const auto& server : servers) all.push_back(server.merged());
  std::vector<chart_curve> curves;
  for (std::size_t at = 0; at < servers.size(); ++at)
    if (headline(all[at], options.phase).count() > 0)
      curves.push_back({servers[at].server, &headline(all[at], options.phase)});
  if (curves.empty()) return {};
  const bool whole_jobs = curves.front().measured == &all.front().jobs;
  std::string subject = whole_jobs ? "From put to reserved" : options.phase == bench_phase::drain ? "Reserve" : "Put";
  if (options.rate > 0) subject = "From the instant a put was due to reserved";
  return chart_of(subject + ": how latency is distributed", shape_of(options), curves);
}

}  // namespace millrace::tools
