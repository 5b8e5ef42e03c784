#include <array>
#include <boost/json.hpp>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.hpp"
#include "tools/figures.hpp"
#include "tools/report.hpp"

namespace millrace::tools {
namespace {

namespace json = boost::json;

/// JSON has no infinity and no NaN.
double number(double value) { return std::isfinite(value) ? value : 0; }

double microseconds_of(duration length) { return static_cast<double>(length.count()) / 1'000; }

json::object of(const latencies& measured) {
  return {{"count", measured.count()},
          {"mean", microseconds_of(measured.mean())},
          {"p50", microseconds_of(measured.quantile(0.5))},
          {"p90", microseconds_of(measured.quantile(0.9))},
          {"p99", microseconds_of(measured.quantile(0.99))},
          {"p99_9", microseconds_of(measured.quantile(0.999))},
          {"max", microseconds_of(measured.max())}};
}

json::object of(const run_stats& run, bench_phase phase, double jobs, double commands) {
  json::object latency;
  for (std::size_t at = 0; at < run_stats::kinds; ++at)
    if (run.commands[at].count() > 0) latency[run_stats::names[at]] = of(run.commands[at]);
  if (run.jobs.count() > 0) latency["job"] = of(run.jobs);
  if (run.lag.count() > 0) latency["lag"] = of(run.lag);
  return {{"jobs_per_second", number(jobs)},       {"commands_per_second", number(commands)},
          {"seconds", in_seconds(run.measured())}, {"jobs", jobs_counted(run, phase)},
          {"commands", run.commands_counted()},    {"latency_us", std::move(latency)}};
}

/// Members `runs` and `total` of one server. The total's rates are medians of those of the runs.
void add_figures(json::object& into, const server_result& server, bench_phase phase) {
  json::array runs;
  std::vector<double> jobs, commands;
  for (const auto& run : server.runs) {
    jobs.push_back(jobs_per_second(run, phase));
    commands.push_back(commands_per_second(run));
    runs.push_back(of(run, phase, jobs.back(), commands.back()));
  }
  into["runs"] = std::move(runs);
  into["total"] = of(server.merged(), phase, median_of(jobs), median_of(commands));
}

json::object of(const ratio& measured) {
  return {{"median", number(measured.median)}, {"least", number(measured.least)}, {"most", number(measured.most)}};
}

json::object of(const bench_options& options) {
  static constexpr std::array<std::string_view, 3> phases{"put", "drain", "mix"};
  return {{"phase", phases[static_cast<std::size_t>(options.phase)]},
          {"connections", options.connections},
          {"depth", options.depth},
          {"body_bytes", options.body_bytes},
          {"rate", options.rate},
          {"jobs", options.jobs},
          {"seconds", in_seconds(options.length)},
          {"warm_up_seconds", in_seconds(options.warm_up)},
          {"queues", options.queues},
          {"idle_connections", options.idle_connections},
          {"extra_queues", options.extra_queues},
          {"backlog", options.backlog},
          {"repeat", options.repeat}};
}

}  // namespace

std::string json_of(const std::vector<server_result>& servers, const bench_options& options) {
  json::object all{{"server", to_utf8(servers[0].server)}, {"options", of(options)}};
  add_figures(all, servers[0], options.phase);
  if (servers.size() > 1) {
    json::object other{{"server", to_utf8(servers[1].server)}};
    add_figures(other, servers[1], options.phase);
    all["against"] = std::move(other);
    all["ratio"] = {{"jobs_per_second", of(throughput_ratio(servers[0], servers[1], options.phase))},
                    {"p99", of(p99_ratio(servers[0], servers[1], options.phase))}};
  }
  return json::serialize(all) + '\n';
}

}  // namespace millrace::tools
