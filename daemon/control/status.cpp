#include "control/status.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include <unistd.h>

#include <boost/json/array.hpp>

#include "control/answers.hpp"

namespace millrace::control {

namespace json = boost::json;

namespace {

/// Tasks of one answer. A connection of a client is a task, so there may be thousands.
constexpr std::uint64_t tasks_max = 10'000;
constexpr std::uint64_t tasks_by_default = 1'000;

std::string_view name_of(http::phase phase) {
  switch (phase) {
    case http::phase::starting:
      return "starting";
    case http::phase::recovering:
      return "recovering";
    case http::phase::running:
      return "running";
    case http::phase::draining:
      return "draining";
  }
  return "";
}

json::array listeners_of(const context& context) {
  json::array all;
  if (!context.listeners) return all;
  for (const auto& one : context.listeners())
    all.push_back(json::object{{"name", one.name}, {"address", one.address}, {"connections", one.connections}});
  return all;
}

json::value store_of(const context& context) {
  if (!context.data_dir) return nullptr;
  const auto& broker = context.broker;
  const auto failure = broker.store_failure();
  return json::object{{"data_dir", *context.data_dir},
                      {"state", !failure.empty()      ? "failed"
                                : broker.store_lags() ? "late"
                                                      : "ok"},
                      {"failure", text_or_null(failure)},
                      {"acknowledged_not_durable", broker.acknowledged_not_durable()}};
}

json::object status_of(const context& context) {
  const auto& engine = context.broker.engine();
  const auto totals = engine.totals();
  const auto problem = context.readiness.problem();
  return {{"version", context.version},
          {"pid", static_cast<std::int64_t>(::getpid())},
          {"uptime_seconds", in_seconds(age(context.started_at, context.loop.now()))},
          {"settings_file", context.settings_file},
          {"state", name_of(context.readiness.phase())},
          {"ready", problem.empty()},
          {"problem", text_or_null(problem)},
          {"listeners", listeners_of(context)},
          {"store", store_of(context)},
          {"queues", engine.queue_count()},
          {"jobs",
           {{"ready", totals.ready},
            {"reserved", totals.reserved},
            {"delayed", totals.delayed},
            {"buried", totals.buried}}}};
}

http::response tasks_of(const context& context, const http::request& request) {
  const auto options = query::of(request, "limit");
  if (!options) return refuse(options.error());
  const auto limit = options->number("limit", 1, tasks_max, tasks_by_default);
  if (!limit) return refuse(limit.error());
  auto tasks = context.loop.tasks();
  const auto total = tasks.size();
  tasks.resize(std::min<std::size_t>(total, *limit));
  json::array shown;
  for (const auto& task : tasks) {
    json::object row{{"id", task.id.value()},
                     {"name", task.name},
                     {"age_seconds", in_seconds(task.age)},
                     {"created_by", text_or_null(task.creator)},
                     {"waits_for", task.waits_for},
                     {"turns", task.turns}};
    if (!task.job.empty()) row["job"] = json::object{{"name", task.job}, {"age_seconds", in_seconds(task.job_age)}};
    if (!task.progress.empty()) row["progress"] = task.progress;
    shown.push_back(std::move(row));
  }
  return json_answer(200, json::object{{"tasks", std::move(shown)}, {"total", total}});
}

}  // namespace

void add_status(http::routes& routes, const context& context) {
  routes.add(http::method::get, "/v1/status", "the state of the daemon", [&context](const http::request& request) {
    const auto options = query::of(request, "");
    return http::at_once(options ? json_answer(200, status_of(context)) : refuse(options.error()));
  });
  routes.add(http::method::get, "/v1/tasks", "the tasks of the loop",
             [&context](const http::request& request) { return http::at_once(tasks_of(context, request)); });
}

}  // namespace millrace::control
