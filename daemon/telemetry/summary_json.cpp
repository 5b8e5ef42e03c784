#include <sys/resource.h>

#include <boost/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "telemetry/run_result.hpp"
#include "telemetry/summary.hpp"

namespace millrace::telemetry {

namespace {

namespace json = boost::json;

json::object by_outcome(const std::array<std::uint64_t, engine::outcome_count>& outcomes, std::uint64_t retried,
                        std::uint64_t postponed, std::uint64_t interrupted) {
  json::object object;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const auto outcome = static_cast<engine::outcome>(i);
    if (outcome != engine::outcome::later && outcome != engine::outcome::interrupted)
      object[engine::name_of(outcome)] = outcomes[i];
  }
  object["retried"] = retried;
  object["postponed"] = postponed;
  object["interrupted"] = interrupted;
  return object;
}

json::object consumers(const workload::workload& work) {
  json::object all;
  for (const auto& one : work.consumers()) {
    std::array<std::uint64_t, engine::outcome_count> own{};
    for (std::size_t i = 0; i < own.size(); ++i) own[i] = one->outcomes[i].value();
    all[one->name] = by_outcome(own, one->retried.value(), one->postponed.value(), one->interrupted.value());
  }
  return all;
}

json::object producers(const workload::workload& work) {
  json::object all;
  for (const auto& one : work.producers())
    all[one->name] = {{"jobs", one->jobs.value()}, {"errors", one->errors.value()}, {"failed", one->failed}};
  return all;
}

/// All queues that are not empty: at most as many as in the settings, or `queues_max`.
json::object queues_left(const engine::engine& engine, const std::set<std::string, std::less<>>& served) {
  json::object all;
  std::vector<queue_id> queues;
  engine.list_queues(0, engine.queue_count(), queues);
  for (const auto queue : queues) {
    const auto levels = engine.levels(queue);
    if (levels.jobs() == 0) continue;
    const auto name = engine.name_of(queue);
    all[name] = {{"ready", levels.ready},
                 {"reserved", levels.reserved},
                 {"delayed", levels.delayed},
                 {"buried", levels.buried},
                 {"served", served.contains(name)}};
  }
  return all;
}

json::value percentiles(const histogram& of) {
  if (of.count() == 0) return nullptr;
  return json::object{{"p50", in_seconds(of.quantile(0.5))}, {"p99", in_seconds(of.quantile(0.99))}};
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

std::string summary_json(const broker::broker& broker, const workload::workload& work, const run_facts& run) {
  const auto& engine = broker.engine();
  histogram wait;
  histogram service;
  wait.merge(engine.other_timings().wait);
  service.merge(engine.other_timings().service);
  for (const auto& row : engine.rows().all()) {
    wait.merge(row.timings.wait);
    service.merge(row.timings.service);
  }
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto result = result_of(broker, work);

  const json::object object{
      {"all_done", run.held_up ? false : result.all_done()},
      {"jobs", by_outcome(result.outcomes, result.retried, result.postponed, result.interrupted)},
      {"buried", result.buried},
      {"dead_lettered", result.dead_lettered},
      {"rejected", result.rejected},
      {"dropped", result.dropped},
      {"expired", result.expired},
      {"cancelled", result.cancelled},
      {"consumers", consumers(work)},
      {"producers", producers(work)},
      {"queues", queues_left(engine, {run.served_queues.begin(), run.served_queues.end()})},
      {"wait_seconds", percentiles(wait)},
      {"service_seconds", percentiles(service)},
      {"loop_lag_seconds", percentiles(run.loop_lag)},
      {"wall_seconds", in_seconds(run.wall)},
      {"processor_seconds", seconds_of(used.ru_utime) + seconds_of(used.ru_stime)},
      {"peak_memory_bytes", static_cast<std::uint64_t>(used.ru_maxrss) * 1024},
  };
  return json::serialize(object) + '\n';
}

}  // namespace millrace::telemetry
