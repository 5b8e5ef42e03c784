#include "control/jobs.hpp"

#include <charconv>
#include <optional>
#include <utility>

#include "base/log.hpp"
#include "control/answers.hpp"
#include "control/body_peek.hpp"
#include "control/change_request.hpp"
#include "control/job_json.hpp"

namespace millrace::control {

namespace json = boost::json;

namespace {

refusal no_such_job() { return {404, "no_such_job", "There is no such job.", "path"}; }

checked<job_id> id_of(const http::request& request) {
  const auto& text = request.parameters.at("id");
  std::uint64_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, number);
  if (failure != std::errc{} || stop != end)
    return refusal{400, "invalid_value", "The id of a job is a number.", "path"};
  return job_id{number};
}

/// What only the answer for a single job has.
void add_history(json::object& shown, const engine::job_facts& job) {
  shown["ttr"] = in_seconds(job.ttr);
  shown["timeouts"] = job.timeouts;
  shown["releases"] = job.releases;
  shown["buries"] = job.buries;
  shown["kicks"] = job.kicks;
  shown["laters"] = job.laters;
}

loop::awaitable<http::response> show_job(const context& context, http::request request) {
  auto& broker = context.broker;
  if (context.readiness.phase() != http::phase::draining) {
    if (const auto refused = not_running(context)) co_return refuse(*refused);
  }
  const auto options = query::of(request, "body");
  if (!options) co_return refuse(options.error());
  const auto with_body = options->flag("body");
  if (!with_body) co_return refuse(with_body.error());
  const auto id = id_of(request);
  if (!id) co_return refuse(id.error());
  std::optional<body> content;
  if (*with_body) {
    body_peek peek{context};
    auto reading = peek.read(*id);
    content = co_await std::move(reading);
  }
  auto looked = broker.look(*id);
  if (!looked.answer) co_return refuse(no_such_job());
  auto shown = describe_job(context, *looked.answer);
  add_history(shown, *looked.answer);
  if (*with_body) {
    if (!content) co_return refuse({500, "body_lost", "The body of the job cannot be read from disk.", ""});
    add_body(shown, content->view(), shown_body_bytes_max);
  }
  auto answering = when_durable(broker, looked.durable_with, json_answer(200, shown));
  co_return co_await std::move(answering);
}

loop::awaitable<http::response> cancel_job(const context& context, http::request request) {
  auto& broker = context.broker;
  if (const auto refused = not_running(context)) co_return refuse(*refused);
  if (const auto options = query::of(request, ""); !options) co_return refuse(options.error());
  if (const auto body = body_of(request, ""); !body) co_return refuse(body.error());
  const auto id = id_of(request);
  if (!id) co_return refuse(id.error());
  const auto looked = broker.look(*id);
  if (!looked.answer) co_return refuse(no_such_job());
  if (const auto refused = not_durable(context, looked.answer->queue)) co_return refuse(*refused);
  auto shown = describe_job(context, *looked.answer);
  const auto cancelled = broker.cancel(*id);
  if (!cancelled.answer) co_return refuse(no_such_job());
  const changer by{request};
  log::info("job_cancelled", "a client cancels a job",
            {{"job", id->value()},
             {"queue", broker.engine().name_of(looked.answer->queue)},
             {"uid", by.user},
             {"pid", by.process}});
  auto answer = json_answer(200, json::object{{"cancelled", std::move(shown)}});
  co_return co_await when_durable(broker, cancelled.durable_with, std::move(answer));
}

}  // namespace

void add_jobs(http::routes& routes, const context& context) {
  routes.add(http::method::get, "/v1/jobs/{id}", "one job",
             [&context](http::request request) { return show_job(context, std::move(request)); });
  routes.add(http::method::post, "/v1/jobs/{id}/cancel", "end one job, whatever its state",
             [&context](http::request request) { return cancel_job(context, std::move(request)); });
}

}  // namespace millrace::control
