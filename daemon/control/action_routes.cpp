#include "control/action_routes.hpp"

#include <charconv>
#include <memory>
#include <utility>

#include <boost/json/array.hpp>

#include "base/log.hpp"

namespace millrace::control {

namespace json = boost::json;

namespace {

constexpr duration wait_max = seconds{20};

json::object describe(const action& facts, instant now) {
  const auto end = facts.state == action_state::running ? now : facts.ended;
  return {{"id", facts.id.value()},
          {"kind", facts.kind},
          {"target", facts.target},
          {"state", name_of(facts.state)},
          {"dry_run", facts.dry_run},
          {"done", facts.done},
          {"seen", facts.seen},
          {"unchanged", facts.unchanged},
          {"total", facts.total},
          {"unit", facts.unit},
          {"seconds", in_seconds(age(facts.began, end))},
          {"error", text_or_null(facts.error)}};
}

loop::awaitable<http::response> show(const context& context, actions& actions, std::shared_ptr<const action> shown,
                                     duration wait) {
  co_await actions.ended(shown, after(context.loop.now(), wait));
  const auto content = describe(*shown, context.loop.now());
  co_return json_answer(shown->state == action_state::running ? 202 : 200, content);
}

http::response list(const context& context, const actions& actions, const http::request& request) {
  if (const auto options = query::of(request, ""); !options) return refuse(options.error());
  json::array shown;
  for (const auto& one : actions.all()) shown.push_back(describe(*one, context.loop.now()));
  return json_answer(200, json::object{{"actions", std::move(shown)}});
}

std::shared_ptr<const action> named(const actions& actions, const http::request& request) {
  const auto& text = request.parameters.at("id");
  std::uint64_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, number);
  return failure == std::errc{} && stop == end ? actions.find(action_id{number}) : nullptr;
}

refusal no_such_action() { return {404, "no_such_action", "There is no such action, or it ended long ago.", "path"}; }

loop::awaitable<http::response> find(const context& context, actions& actions, http::request request) {
  const auto wait = wait_of(request);
  if (!wait) co_return refuse(wait.error());
  auto found = named(actions, request);
  if (found == nullptr) co_return refuse(no_such_action());
  auto answer = show(context, actions, std::move(found), *wait);
  co_return co_await std::move(answer);
}

/// An action that has ended already is answered as it is.
loop::awaitable<http::response> stop(const context& context, actions& actions, http::request request) {
  const auto wait = wait_of(request);
  if (!wait) co_return refuse(wait.error());
  if (const auto body = body_of(request, ""); !body) co_return refuse(body.error());
  auto found = named(actions, request);
  if (found == nullptr) co_return refuse(no_such_action());
  const changer by{request};
  if (actions.stop(found->id))
    log::info("action_stopping", "a client stops an action",
              {{"action", found->id.value()}, {"uid", by.user}, {"pid", by.process}});
  auto answer = show(context, actions, std::move(found), *wait);
  co_return co_await std::move(answer);
}

}  // namespace

checked<duration> wait_of(const http::request& request) {
  const auto options = query::of(request, "wait");
  if (!options) return options.error();
  return options->length("wait", wait_max);
}

loop::awaitable<http::response> begin_action(const context& context, actions& actions, action facts,
                                             actions::work steps, changer by, duration wait) {
  if (auto earlier = actions.find_key(facts.key)) {
    if (earlier->kind != facts.kind || earlier->target != facts.target)
      co_return refuse({409, "key_in_use", "Another action has this Idempotency-Key.", "header.Idempotency-Key"});
    auto repeated = show(context, actions, std::move(earlier), wait);
    co_return co_await std::move(repeated);
  }
  const auto started = actions.start(std::move(facts), std::move(steps));
  if (!started) {
    const bool drains = started.error().code == errc::cancelled;
    co_return refuse({drains ? 503u : 429u, drains ? "draining" : "too_many_actions", started.error().text, ""});
  }
  const auto& begun = **started;
  log::info("action_began", "an action begins",
            {{"action", begun.id.value()},
             {"kind", begun.kind},
             {"target", begun.target},
             {"total", begun.total},
             {"uid", by.user},
             {"pid", by.process}});
  auto shown = *started;
  auto answer = show(context, actions, std::move(shown), wait);
  co_return co_await std::move(answer);
}

void add_actions(http::routes& routes, const context& context, actions& actions) {
  routes.add(http::method::get, "/v1/actions", "what takes long: bulk changes and backups",
             [&](const http::request& request) { return http::at_once(list(context, actions, request)); });
  routes.add(http::method::get, "/v1/actions/{id}", "one action",
             [&](http::request request) { return find(context, actions, std::move(request)); });
  routes.add(http::method::post, "/v1/actions/{id}/stop", "end an action at its next step",
             [&](http::request request) { return stop(context, actions, std::move(request)); });
}

}  // namespace millrace::control
