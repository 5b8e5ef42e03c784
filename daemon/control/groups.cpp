#include "control/groups.hpp"

#include <charconv>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "base/digest.hpp"
#include "base/log.hpp"
#include "control/answers.hpp"
#include "control/change_request.hpp"
#include "control/group_request.hpp"

namespace millrace::control {

namespace json = boost::json;

namespace {

std::string_view name_of(engine::group_state state) noexcept {
  switch (state) {
    case engine::group_state::open:
      return "open";
    case engine::group_state::closed:
      return "closed";
    case engine::group_state::ended:
      return "ended";
  }
  return "";
}

std::string_view name_of(engine::group_end end) noexcept {
  switch (end) {
    case engine::group_end::all:
      return "all";
    case engine::group_end::first:
      return "first";
    case engine::group_end::first_failure:
      return "first_failure";
  }
  return "";
}

json::object describe(const context& context, engine::group_id id, const engine::group_facts& facts) {
  json::object shown{{"id", id.value()},
                     {"name", facts.name},
                     {"state", name_of(facts.state)},
                     {"when", name_of(facts.ends_with)},
                     {"remaining", facts.remaining == engine::remaining_members::keep ? "keep" : "cancel"},
                     {"age_seconds", seconds_since(facts.opened_at, context.loop.now())},
                     {"jobs", facts.members},
                     {"ended", facts.ended},
                     {"ok", facts.succeeded}};
  if (!facts.outcome_queue.empty()) {
    shown["then"] = facts.outcome_queue;
    shown["outcome_put"] = facts.outcome_put;
  }
  if (facts.outer) shown["outer"] = facts.outer.value();
  return shown;
}

refusal no_such_group() { return {404, "no_such_group", "There is no such group, or it ended long ago.", "path"}; }

http::response show(const context& context, engine::group_id id, unsigned status) {
  const auto facts = context.broker.look_at_group(id).answer;
  return facts ? json_answer(status, describe(context, id, *facts)) : refuse(no_such_group());
}

/// Makes the queues of a request that do not exist yet. A session uses each of them, as a client would, so none is
/// removed before this object is destroyed.
class used_queues {
 public:
  explicit used_queues(broker::broker& broker) : broker_{broker} {}
  ~used_queues() {
    for (const auto session : sessions_) broker_.try_close_session(session);
  }
  used_queues(const used_queues&) = delete;
  used_queues& operator=(const used_queues&) = delete;

  result<queue_id> use(const std::string& name) {
    if (const auto found = broker_.find(name)) return *found;
    sessions_.push_back(broker_.open_session());
    return broker_.use(sessions_.back(), name);
  }

 private:
  broker::broker& broker_;
  std::vector<session_id> sessions_;
};

loop::awaitable<http::response> put_group(const context& context, idempotency_keys& keys, http::request request) {
  if (const auto refused = not_running(context)) co_return refuse(*refused);
  if (const auto options = query::of(request, ""); !options) co_return refuse(options.error());
  digest body_digest;
  body_digest.add(request.body);
  const auto digest = body_digest.value();
  if (const auto earlier = keys.find(request.idempotency_key)) {
    if (earlier->digest != digest)
      co_return refuse({409, "key_in_use", "Another request had this Idempotency-Key.", "header.Idempotency-Key"});
    auto answer = show(context, engine::group_id{earlier->number}, 200);
    co_return co_await when_durable(context.broker, earlier->durable_with, std::move(answer));
  }
  auto read = read_group_put(request);
  if (!read) co_return refuse(read.error());
  const changer by{request};
  const auto name = read->group.name;
  const auto jobs = read->jobs.size();
  auto& broker = context.broker;
  std::vector<engine::output> outputs;
  broker::receipt durable_with;
  engine::group_id made{};
  {
    used_queues queues{broker};
    for (auto& one : read->jobs) {
      const auto queue = queues.use(one.queue);
      if (queue.has_error()) co_return refuse({409, "refused", queue.error().text + ".", "body.jobs"});
      outputs.push_back({*queue, std::move(one.request)});
    }
    const auto put = broker.put_group(std::move(read->group), std::move(outputs));
    if (put.answer.has_error())
      co_return refuse({409, "refused", "Nothing was put: " + put.answer.error().text + ".", ""});
    made = *put.answer;
    durable_with = put.durable_with;
  }
  keys.add(request.idempotency_key, {made.value(), digest, durable_with});
  log::info("group_put", "jobs were put as a group",
            {{"group", made.value()}, {"name", name}, {"jobs", jobs}, {"uid", by.user}, {"pid", by.process}});
  auto answer = show(context, made, 201);
  co_return co_await when_durable(broker, durable_with, std::move(answer));
}

http::response find_group(const context& context, const http::request& request) {
  if (context.readiness.phase() != http::phase::draining) {
    if (const auto refused = not_running(context)) return refuse(*refused);
  }
  if (const auto options = query::of(request, ""); !options) return refuse(options.error());
  const auto& text = request.parameters.at("id");
  std::uint64_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, number);
  if (failure != std::errc{} || stop != end)
    return refuse({400, "invalid_value", "The id of a group is a number.", "path"});
  return show(context, engine::group_id{number}, 200);
}

}  // namespace

void add_groups(http::routes& routes, const context& context, idempotency_keys& keys) {
  routes.add(http::method::post, "/v1/groups", "put many jobs as a group, all or none",
             [&](http::request request) { return put_group(context, keys, std::move(request)); });
  routes.add(http::method::get, "/v1/groups/{id}", "one group",
             [&](const http::request& request) { return http::at_once(find_group(context, request)); });
}

}  // namespace millrace::control
