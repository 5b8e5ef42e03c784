#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "tools/figures.hpp"
#include "tools/report.hpp"

namespace millrace::tools {
namespace {

/// One JSON object as text, member by member, on one line.
class object {
 public:
  object& add(std::string_view key, const object& value) { return add_text(key, value.text()); }
  object& add(std::string_view key, std::uint64_t value) { return add_text(key, std::to_string(value)); }
  object& add(std::string_view key, double value) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), std::isfinite(value) ? value : 0).ptr;
    return add_text(key, {digits.data(), end});
  }
  object& add(std::string_view key, std::string_view value) {
    std::string text = "\"";
    for (const char c : value) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') text += '\\';
      if (byte >= 0x20) {
        text += c;
      } else {
        std::array<char, 8> escaped{};
        std::snprintf(escaped.data(), escaped.size(), "\\u%04x", byte);
        text += escaped.data();
      }
    }
    return add_text(key, text + '"');
  }
  object& add(std::string_view key, const std::vector<object>& values) {
    std::string text = "[";
    for (const auto& each : values) text += (text.size() > 1 ? ", " : "") + each.text();
    return add_text(key, text + "]");
  }
  [[nodiscard]] std::string text() const { return "{" + members_ + "}"; }

 private:
  object& add_text(std::string_view key, const std::string& value) {
    members_ += (members_.empty() ? "\"" : ", \"") + std::string{key} + "\": " + value;
    return *this;
  }

  std::string members_;
};

double microseconds_of(duration length) { return static_cast<double>(length.count()) / 1'000; }

object of(const latencies& what) {
  object out;
  out.add("count", what.count());
  out.add("mean", microseconds_of(what.mean()));
  out.add("p50", microseconds_of(what.quantile(0.5)));
  out.add("p90", microseconds_of(what.quantile(0.9)));
  out.add("p99", microseconds_of(what.quantile(0.99)));
  out.add("p99_9", microseconds_of(what.quantile(0.999)));
  return out.add("max", microseconds_of(what.max()));
}

object of(const run_stats& run, bench_phase phase, double jobs, double commands) {
  object latency;
  for (std::size_t at = 0; at < run_stats::kinds; ++at)
    if (run.commands[at].count() > 0) latency.add(run_stats::names[at], of(run.commands[at]));
  if (run.jobs.count() > 0) latency.add("job", of(run.jobs));
  if (run.lag.count() > 0) latency.add("lag", of(run.lag));
  object out;
  out.add("jobs_per_second", jobs).add("commands_per_second", commands).add("seconds", in_seconds(run.measured()));
  out.add("jobs", jobs_counted(run, phase)).add("commands", run.commands_counted());
  return out.add("latency_us", latency);
}

/// Members `runs` and `total` of one server. The total's rates are medians of those of the runs.
void add_figures(object& to, const server_result& server, bench_phase phase) {
  std::vector<object> runs;
  std::vector<double> jobs, commands;
  for (const auto& run : server.runs) {
    jobs.push_back(jobs_per_second(run, phase));
    commands.push_back(commands_per_second(run));
    runs.push_back(of(run, phase, jobs.back(), commands.back()));
  }
  to.add("runs", runs).add("total", of(server.merged(), phase, median_of(jobs), median_of(commands)));
}

object of(const ratio& what) {
  object out;
  return out.add("median", what.median).add("least", what.least).add("most", what.most);
}

object of(const bench_options& how) {
  static constexpr std::array<std::string_view, 3> phases{"put", "drain", "mix"};
  object out;
  out.add("phase", phases[static_cast<std::size_t>(how.phase)]);
  out.add("connections", std::uint64_t{how.connections}).add("depth", std::uint64_t{how.depth});
  out.add("body_bytes", std::uint64_t{how.body_bytes}).add("rate", how.rate).add("jobs", how.jobs);
  out.add("seconds", in_seconds(how.length)).add("warm_up_seconds", in_seconds(how.warm_up));
  out.add("queues", std::uint64_t{how.queues}).add("idle_connections", std::uint64_t{how.idle_connections});
  out.add("extra_queues", std::uint64_t{how.extra_queues}).add("backlog", how.backlog);
  return out.add("repeat", std::uint64_t{how.repeat});
}

}  // namespace

std::string json_of(const std::vector<server_result>& servers, const bench_options& how) {
  object all;
  all.add("server", servers[0].server).add("options", of(how));
  add_figures(all, servers[0], how.phase);
  if (servers.size() > 1) {
    object other;
    other.add("server", servers[1].server);
    add_figures(other, servers[1], how.phase);
    object ratios;
    ratios.add("jobs_per_second", of(throughput_ratio(servers[0], servers[1], how.phase)));
    ratios.add("p99", of(p99_ratio(servers[0], servers[1], how.phase)));
    all.add("against", other).add("ratio", ratios);
  }
  return all.text() + "\n";
}

}  // namespace millrace::tools
