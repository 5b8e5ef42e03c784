#include "tools/server_result.hpp"

#include <algorithm>

#include "tools/figures.hpp"

namespace millrace::tools {

namespace {

double per_second(std::uint64_t count, duration length) {
  return length > duration::zero() ? static_cast<double>(count) / in_seconds(length) : 0;
}

template <class Figure>
ratio ratio_of(const server_result& first, const server_result& second, Figure figure) {
  std::vector<double> pairs;
  for (std::size_t at = 0; at < std::min(first.runs.size(), second.runs.size()); ++at) {
    const double divisor = figure(second.runs[at]);
    if (divisor > 0) pairs.push_back(figure(first.runs[at]) / divisor);
  }
  if (pairs.empty()) return {};
  const auto [least, most] = std::ranges::minmax(pairs);
  return {median_of(pairs), least, most};
}

}  // namespace

run_stats server_result::merged() const {
  run_stats all;
  duration length{0};
  for (const auto& run : runs) {
    for (std::size_t at = 0; at < run_stats::kinds; ++at) all.commands[at].merge(run.commands[at]);
    all.jobs.merge(run.jobs);
    all.lag.merge(run.lag);
    all.answers += run.answers;
    length = saturating_add(length, run.measured());
  }
  all.until = after(all.from, length);
  return all;
}

std::uint64_t jobs_counted(const run_stats& run, bench_phase phase) {
  return run.commands[phase == bench_phase::put ? run_stats::put : run_stats::remove].count();
}

double jobs_per_second(const run_stats& run, bench_phase phase) {
  return per_second(jobs_counted(run, phase), run.measured());
}

double commands_per_second(const run_stats& run) { return per_second(run.commands_counted(), run.measured()); }

const latencies& headline(const run_stats& run, bench_phase phase) {
  if (run.jobs.count() > 0) return run.jobs;
  return run.commands[phase == bench_phase::drain ? run_stats::reserve : run_stats::put];
}

ratio throughput_ratio(const server_result& first, const server_result& second, bench_phase phase) {
  return ratio_of(first, second, [phase](const run_stats& run) { return jobs_per_second(run, phase); });
}

ratio p99_ratio(const server_result& first, const server_result& second, bench_phase phase) {
  return ratio_of(first, second, [phase](const run_stats& run) {
    return static_cast<double>(headline(run, phase).quantile(0.99).count());
  });
}

}  // namespace millrace::tools
