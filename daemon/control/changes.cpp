#include "control/changes.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/array.hpp>
#include <millrace/base/quantity.hpp>

#include "base/log.hpp"
#include "control/action_routes.hpp"
#include "control/bulk.hpp"
#include "control/change_request.hpp"
#include "control/queues.hpp"

namespace millrace::control {

namespace json = boost::json;

namespace {

constexpr duration pause_max = hours{24 * 365};

refusal wrong_value(const char* key, const std::string& expected) {
  return {400, "invalid_value", "`" + std::string{key} + "` is not " + expected + ".", "body." + std::string{key}};
}

checked<engine::job_state> state_named(const json::value& name, const char* key) {
  const auto* const text = name.if_string();
  for (const auto state : {engine::job_state::ready, engine::job_state::delayed, engine::job_state::buried})
    if (text != nullptr && *text == engine::name_of(state)) return state;
  return wrong_value(key, "one of ready, delayed, buried");
}

/// What the routes share. A copy of pointers, so that handlers take it by value.
struct parts {
  const context& facts;
  const control::rates& rates;
  control::actions& actions;
};

loop::awaitable<http::response> pause(parts all, http::request request, bool resumes) {
  auto& broker = all.facts.broker;
  if (const auto refused = not_running(all.facts)) co_return refuse(*refused);
  if (const auto options = query::of(request, ""); !options) co_return refuse(options.error());
  const auto body = body_of(request, resumes ? "" : "for");
  if (!body) co_return refuse(body.error());
  // Without a length it lasts until it is resumed.
  auto length = resumes ? duration::zero() : duration::max();
  if (const auto* const given = body->if_contains("for"); given != nullptr && !given->is_null()) {
    const auto* const text = given->if_string();
    const auto parsed = text == nullptr ? result<duration>{error{}} : parse_duration({text->data(), text->size()});
    if (!parsed || *parsed <= duration::zero() || *parsed > pause_max)
      co_return refuse(wrong_value("for", "a duration like 30s or 1h, of at most " + write_duration(pause_max)));
    length = *parsed;
  }
  const auto queue = queue_of(all.facts, request);
  if (!queue) co_return refuse(queue.error());
  if (const auto refused = not_durable(all.facts, *queue)) co_return refuse(*refused);
  const changer by{request};
  const auto& name = request.parameters.at("name");
  const auto changed = broker.pause(*queue, length);
  if (!changed.answer) co_return refuse({404, "no_such_queue", changed.answer.error().text, "path"});
  if (resumes)
    log::info("queue_resumed", "jobs of the queue are handed out again",
              {{"queue", name}, {"uid", by.user}, {"pid", by.process}});
  else
    log::info("queue_paused", "no job of the queue is handed out until the pause ends",
              {{"queue", name},
               {"for", length == duration::max() ? "resume" : write_duration(length)},
               {"uid", by.user},
               {"pid", by.process}});
  auto answer = json_answer(200, describe_queue(all.facts, all.rates, *queue));
  co_return co_await when_durable(broker, changed.durable_with, std::move(answer));
}

loop::awaitable<http::response> purge_queue(parts all, http::request request) {
  if (const auto refused = not_running(all.facts)) co_return refuse(*refused);
  const auto wait = wait_of(request);
  if (!wait) co_return refuse(wait.error());
  const auto body = body_of(request, "states");
  if (!body) co_return refuse(body.error());
  const auto* const names = body->if_contains("states");
  if (names == nullptr || !names->is_array() || names->get_array().empty())
    co_return refuse(wrong_value("states", "a list of ready, delayed, buried"));
  std::vector<engine::job_state> states;
  for (const auto& name : names->get_array()) {
    const auto state = state_named(name, "states");
    if (!state) co_return refuse(state.error());
    if (std::ranges::find(states, *state) == states.end()) states.push_back(*state);
  }
  const auto queue = queue_of(all.facts, request);
  if (!queue) co_return refuse(queue.error());
  if (const auto refused = not_durable(all.facts, *queue)) co_return refuse(*refused);
  action facts{.kind = "purge", .target = request.parameters.at("name"), .key = request.idempotency_key};
  const auto levels = all.facts.broker.engine().levels(*queue);
  for (const auto state : states) facts.total += count_in(levels, state);
  auto steps = [&context = all.facts, queue = *queue, states](action& running) {
    return purge(context, queue, states, running);
  };
  auto answer = begin_action(all.facts, all.actions, std::move(facts), std::move(steps), changer{request}, *wait);
  co_return co_await std::move(answer);
}

}  // namespace

void add_changes(http::routes& routes, const context& context, const rates& rates, actions& actions) {
  const parts all{context, rates, actions};
  const auto post = [&](const char* path, const char* about, auto answer) {
    routes.add(http::method::post, path, about,
               [all, answer](http::request request) { return answer(all, std::move(request)); });
  };
  post("/v1/queues/{name}/pause", "hand out no job",
       [](parts of, http::request request) { return pause(of, std::move(request), false); });
  post("/v1/queues/{name}/resume", "end the pause",
       [](parts of, http::request request) { return pause(of, std::move(request), true); });
  post("/v1/queues/{name}/purge", "delete the jobs in some states", purge_queue);
}

}  // namespace millrace::control
