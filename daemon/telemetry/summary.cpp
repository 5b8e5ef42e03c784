#include "telemetry/summary.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <string_view>

#include <sys/resource.h>
#include <millrace/base/quantity.hpp>

#include "telemetry/run_result.hpp"

namespace millrace::telemetry {

namespace {

/// What became of the attempts of one or all consumers.
struct attempt_counts {
  std::array<std::uint64_t, engine::outcome_count> outcomes{};
  std::uint64_t retried{0}, postponed{0}, interrupted{0};

  void add(const workload::consumer_counts& of) {
    for (std::size_t i = 0; i < outcomes.size(); ++i) outcomes[i] += of.outcomes[i].value();
    retried += of.retried.value();
    postponed += of.postponed.value();
    interrupted += of.interrupted.value();
  }
};

/// Rounds to three digits.
duration rounded(duration length) {
  duration::rep step = 1;
  while (length.count() / step >= 1'000) step *= 10;
  const auto whole = length.count() / step + (length.count() % step >= step - step / 2 ? 1 : 0);
  return saturating_multiply(duration{step}, static_cast<std::uint64_t>(whole));
}

std::string readable(duration length) {
  length = rounded(length);
  for (const auto unit : {duration{seconds{1}}, duration{milliseconds{1}}, duration{microseconds{1}}})
    if (length >= unit) {
      // A unit with up to two decimals is easier to read than a smaller unit with more digits.
      const auto hundredths = length / (unit / 100);
      auto text = std::to_string(hundredths / 100);
      if (const auto rest = hundredths % 100; rest != 0) {
        const auto digits = std::to_string(rest + 100).substr(1);
        text += "." + digits.substr(0, digits.back() == '0' ? 1 : 2);
      }
      return text + (unit == seconds{1} ? "s" : unit == milliseconds{1} ? "ms" : "us");
    }
  return std::to_string(length.count()) + "ns";
}

void add_count(std::string& list, std::uint64_t count, std::string_view name) {
  if (!list.empty()) list += ", ";
  list += std::to_string(count) + " " + std::string{name};
}

std::string write_counts(const attempt_counts& counts) {
  std::string text;
  for (std::size_t i = 0; i < counts.outcomes.size(); ++i) {
    const bool always =
        i == static_cast<std::size_t>(engine::outcome::ok) || i == static_cast<std::size_t>(engine::outcome::failed);
    if (counts.outcomes[i] != 0 || always)
      add_count(text, counts.outcomes[i], engine::name_of(static_cast<engine::outcome>(i)));
  }
  if (counts.retried != 0) add_count(text, counts.retried, "retried");
  if (counts.postponed != 0) add_count(text, counts.postponed, "postponed");
  if (counts.interrupted != 0) add_count(text, counts.interrupted, "interrupted");
  return text;
}

std::string jobs(const workload::workload& work) {
  attempt_counts all;
  std::string lines;
  std::size_t listed = 0;
  for (const auto& one : work.consumers()) {
    attempt_counts own;
    own.add(*one);
    all.add(*one);
    if (++listed <= summary_lines_max) lines += "  " + one->name + ": " + write_counts(own) + "\n";
  }
  if (listed > summary_lines_max) lines += "  and " + std::to_string(listed - summary_lines_max) + " more consumers\n";
  return "jobs: " + write_counts(all) + "\n" + lines;
}

/// The metrics of queues count the same jobs. Those that were attempted are also in the counts of their consumers.
std::string ended_early(const run_result& result) {
  std::string text;
  if (result.dropped != 0) add_count(text, result.dropped, "dropped");
  if (result.expired != 0) add_count(text, result.expired, "expired");
  if (result.cancelled != 0) add_count(text, result.cancelled, "cancelled");
  return text.empty() ? text : "ended early, in all queues: " + text + "\n";
}

std::string producer_errors(const workload::workload& work) {
  std::uint64_t errors = 0;
  for (const auto& one : work.producers()) errors += one->errors.value();
  if (errors == 0) return {};
  return "producers: " + std::to_string(errors) +
         " errors (bodies that could not be read or put, and producers that failed)\n";
}

std::string percentiles(std::string_view name, const histogram& times) {
  const std::string text{name};
  if (times.count() == 0) return text + ": none\n";
  return text + ": p50 " + readable(times.quantile(0.5)) + ", p99 " + readable(times.quantile(0.99)) + "\n";
}

/// The jobs in the queues at the end, and the times of all jobs.
struct queue_summary {
  histogram wait, service;
  std::string buried, left;
  std::size_t buried_lines{0}, left_lines{0};
};

void add_line(std::string& lines, std::size_t& count, std::uint64_t jobs, std::string_view queue,
              std::string_view remark) {
  if (jobs == 0) return;
  if (++count <= summary_lines_max)
    lines += "  " + std::string{queue} + ": " + std::to_string(jobs) + std::string{remark} + "\n";
}

queue_summary summarize(const engine::engine& engine, const std::set<std::string, std::less<>>& served) {
  queue_summary seen;
  const auto& shared = engine.other_timings();
  seen.wait.merge(shared.wait);
  seen.service.merge(shared.service);
  for (const auto& row : engine.rows().all()) {
    seen.wait.merge(row.timings.wait);
    seen.service.merge(row.timings.service);
  }
  std::vector<queue_id> queues;
  engine.list_queues(0, engine.queue_count(), queues);
  for (const auto queue : queues) {
    const auto name = engine.name_of(queue);
    const auto levels = engine.levels(queue);
    add_line(seen.buried, seen.buried_lines, levels.buried, name, "");
    const auto left = levels.jobs() - levels.buried;
    add_line(seen.left, seen.left_lines, left, name, served.contains(name) ? "" : " (no consumer serves this queue)");
  }
  return seen;
}

std::string listed(std::string_view title, const std::string& lines, std::size_t count) {
  if (count == 0) return {};
  auto text = std::string{title} + "\n" + lines;
  if (count > summary_lines_max) text += "  and " + std::to_string(count - summary_lines_max) + " more queues\n";
  return text;
}

duration time_of(const timeval& time) { return seconds{time.tv_sec} + microseconds{time.tv_usec}; }

}  // namespace

std::string summary(const broker::broker& broker, const workload::workload& work, const run_facts& run) {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto peak_mebibytes = (used.ru_maxrss + 1023) / 1024;
  const auto seen = summarize(broker.engine(), {run.served_queues.begin(), run.served_queues.end()});

  auto text = jobs(work) + ended_early(result_of(broker, work)) + producer_errors(work);
  text += percentiles("wait", seen.wait) + percentiles("service", seen.service);
  text += listed("buried:", seen.buried, seen.buried_lines) + listed("left:", seen.left, seen.left_lines);
  text += "wall time: " + readable(run.wall) +
          ", processor time: " + readable(time_of(used.ru_utime) + time_of(used.ru_stime)) +
          ", peak memory: " + std::to_string(peak_mebibytes) + " MiB\n";
  return text;
}

}  // namespace millrace::telemetry
