#include "control/bulk_routes.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/log.hpp"
#include "base/queue_name.hpp"
#include "control/action_routes.hpp"
#include "control/bulk.hpp"
#include "control/change_request.hpp"
#include "control/queues.hpp"
#include "store/wall_clock.hpp"

namespace millrace::control {

namespace json = boost::json;

namespace {

using engine::job_state;
using kind = engine::job_change::kind;

/// A kind of bulk change, and its keys beside those of all.
struct bulk_kind {
  const char* name;
  const char* about;
  kind type;
  const char* own_keys;
};
constexpr std::array bulk_kinds{
    bulk_kind{"redrive", "bring dead letters back to their queues", kind::redrive, "to keep_counts"},
    bulk_kind{"move", "move jobs into another queue", kind::move, "to"},
    bulk_kind{"cancel", "end jobs as cancelled", kind::cancel, ""},
    bulk_kind{"delete", "delete jobs", kind::erase, ""},
    bulk_kind{"kick", "make buried or delayed jobs ready", kind::kick, ""},
    bulk_kind{"priority", "give jobs another priority", kind::set_priority, "priority"},
};
constexpr std::string_view common_keys = "limit rate dry_run";
constexpr double rate_max = 1'000'000;
constexpr double rate_min = 0.001;

refusal wrong_value(const char* key, const char* expected) {
  return {400, "invalid_value", "`" + std::string{key} + "` is not " + expected + ".", "body." + std::string{key}};
}

const bulk_kind* kind_named(std::string_view name) {
  const auto* const found =
      std::ranges::find_if(bulk_kinds, [&](const bulk_kind& known) { return known.name == name; });
  return found == bulk_kinds.end() ? nullptr : found;
}

checked<bool> flag_of(const json::object& body, const char* key) {
  const auto* const given = body.if_contains(key);
  if (given == nullptr) return false;
  if (!given->is_bool()) return wrong_value(key, "true or false");
  return given->get_bool();
}

checked<std::optional<std::uint64_t>> number_of(const json::object& body, const char* key, std::uint64_t least,
                                                std::uint64_t most, const char* expected) {
  const auto* const given = body.if_contains(key);
  if (given == nullptr) return std::optional<std::uint64_t>{};
  boost::system::error_code failure;
  const auto number = given->is_number() ? given->to_number<std::uint64_t>(failure) : 0;
  if (!given->is_number() || failure || number < least || number > most) return wrong_value(key, expected);
  return std::optional{number};
}

checked<std::optional<double>> rate_of(const json::object& body) {
  const auto* const given = body.if_contains("rate");
  if (given == nullptr) return std::optional<double>{};
  boost::system::error_code failure;
  const auto rate = given->is_number() ? given->to_number<double>(failure) : 0;
  if (failure || !(rate >= rate_min && rate <= rate_max)) return wrong_value("rate", "jobs a second, 0.001 to 1000000");
  return std::optional{rate};
}

/// The states that the change is for if the request names none.
std::vector<job_state> states_by_default(kind type, const engine::queue_levels& levels) {
  switch (type) {
    case kind::redrive:
      return {job_state::ready, job_state::buried};
    case kind::set_priority:
      return {job_state::ready, job_state::delayed};
    case kind::kick:
      return {levels.buried > 0 ? job_state::buried : job_state::delayed};
    case kind::move:
    case kind::cancel:
    case kind::erase:
      break;
  }
  return {};
}

/// Sets `to` of a move or redrive.
std::optional<refusal> set_target(engine::job_change& into, const json::object& body) {
  const auto* const given = body.if_contains("to");
  if (given == nullptr) {
    if (into.type == kind::move) return wrong_value("to", "the name of a queue");
    return std::nullopt;
  }
  const auto* const text = given->if_string();
  if (text == nullptr || !is_queue_name({text->data(), text->size()})) return wrong_value("to", "the name of a queue");
  into.queue = std::string{*text};
  return std::nullopt;
}

checked<bulk_change> change_of(const bulk_kind& bulk, const json::object& body, const engine::queue_levels& levels) {
  bulk_change made;
  made.change.type = bulk.type;
  auto selection = selection_of(body);
  if (!selection) return selection.error();
  made.selection = std::move(*selection);
  auto& states = made.selection.states;
  if (states.empty()) states = states_by_default(bulk.type, levels);
  if (states.empty()) return wrong_value("state", "ready, delayed or buried, or a list of them");
  if (bulk.type == kind::kick && std::ranges::find(states, job_state::ready) != states.end())
    return wrong_value("state", "buried or delayed");
  const auto jobs_max = number_of(body, "limit", 1, UINT64_MAX, "a number from 1");
  if (!jobs_max) return jobs_max.error();
  made.jobs_max = *jobs_max;
  const auto rate = rate_of(body);
  if (!rate) return rate.error();
  made.rate = *rate;
  const auto dry_run = flag_of(body, "dry_run");
  if (!dry_run) return dry_run.error();
  made.dry_run = *dry_run;
  const auto keep_counts = flag_of(body, "keep_counts");
  if (!keep_counts) return keep_counts.error();
  made.change.keep_counts = *keep_counts;
  if (const auto refused = set_target(made.change, body)) return *refused;
  const auto priority = number_of(body, "priority", 0, UINT32_MAX, "a number from 0 to 4294967295");
  if (!priority) return priority.error();
  if (bulk.type == kind::set_priority && !*priority) return wrong_value("priority", "a number from 0 to 4294967295");
  if (*priority) made.change.priority = static_cast<engine::priority>(**priority);
  return made;
}

std::uint64_t jobs_in(const engine::queue_levels& levels, const std::vector<job_state>& states) {
  std::uint64_t sum = 0;
  for (const auto state : states) sum += count_in(levels, state);
  return sum;
}

/// What is kept of an action on disk: enough to go on with it. `began_ns` is wall clock time.
json::object kept_of(const context& context, const action& facts, const json::object& body,
                     const job_selection& selection) {
  auto request = body;
  // As decided when it began.
  add_selection(request, selection);
  return {{"kind", facts.kind},
          {"queue", facts.target},
          {"key", facts.key},
          {"began_ns", store::to_disk(context.loop.now(), store::read_wall_offset())},
          {"last_job", context.broker.engine().last_id().value()},
          {"request", std::move(request)}};
}

/// The work of the action. `kept`: what is written to disk with its progress, so that it goes on after a restart.
actions::work work_of(const context& context, queue_id queue, bulk_change wanted, json::object kept) {
  return [&context, queue, wanted = std::move(wanted), kept = std::move(kept)](action& facts) {
    return change_jobs(context, queue, wanted, kept, facts);
  };
}

loop::awaitable<http::response> begin(const context& context, actions& actions, const bulk_kind& bulk,
                                      http::request request) {
  if (const auto refused = not_running(context)) co_return refuse(*refused);
  const auto wait = wait_of(request);
  if (!wait) co_return refuse(wait.error());
  const auto keys = std::string{selection_keys} + " " + std::string{common_keys} + " " + bulk.own_keys;
  const auto body = body_of(request, keys);
  if (!body) co_return refuse(body.error());
  const auto queue = queue_of(context, request);
  const auto levels = queue ? context.broker.engine().levels(*queue) : engine::queue_levels{};
  const auto change = change_of(bulk, *body, levels);
  if (!change) co_return refuse(change.error());
  if (!queue) co_return refuse(queue.error());
  if (change->change.queue == request.parameters.at("name"))
    co_return refuse(wrong_value("to", "the name of another queue"));
  if (const auto refused = not_durable(context, *queue)) co_return refuse(*refused);
  action facts{.kind = bulk.name, .target = request.parameters.at("name"), .key = request.idempotency_key};
  facts.total = std::min(change->jobs_max.value_or(UINT64_MAX), jobs_in(levels, change->selection.states));
  facts.dry_run = change->dry_run;
  auto steps = work_of(context, *queue, *change, kept_of(context, facts, *body, change->selection));
  auto answer = begin_action(context, actions, std::move(facts), std::move(steps), changer{request}, *wait);
  co_return co_await std::move(answer);
}

/// Why an action that was kept cannot go on; empty: it runs again.
std::string resume(const context& context, actions& actions, action_id id, const std::string& description) {
  boost::system::error_code failure;
  const auto read = json::parse(description, failure);
  if (failure || !read.is_object()) return "its description is not JSON";
  const auto& kept = read.get_object();
  const auto text_of = [&](const char* key) {
    const auto* const text = kept.if_contains(key);
    return text != nullptr && text->is_string() ? std::string{text->get_string()} : std::string{};
  };
  const auto count_of = [&](const char* key) {
    const auto* const count = kept.if_contains(key);
    boost::system::error_code no_number;
    const auto number = count == nullptr ? 0 : count->to_number<std::uint64_t>(no_number);
    return no_number ? 0 : number;
  };
  const auto* const bulk = kind_named(text_of("kind"));
  const auto* const request = kept.if_contains("request");
  if (bulk == nullptr || request == nullptr || !request->is_object()) return "this program does not know its kind";
  const auto queue = context.broker.find(text_of("queue"));
  if (!queue) return "its queue is gone";
  auto change = change_of(*bulk, request->get_object(), context.broker.engine().levels(*queue));
  if (!change) return change.error().message;
  // Older versions did not keep these two.
  const auto began = count_of("began_ns");
  if (began != 0) {
    change->began = store::from_disk(static_cast<std::int64_t>(began), store::read_wall_offset());
    change->last_job = count_of("last_job");
  }
  action facts{.id = id, .kind = bulk->name, .target = text_of("queue"), .key = text_of("key")};
  facts.done = count_of("done");
  facts.seen = count_of("seen");
  facts.unchanged = count_of("unchanged");
  facts.total = count_of("total");
  auto steps = work_of(context, *queue, std::move(*change), kept);
  const auto started = actions.start(std::move(facts), std::move(steps));
  return started ? std::string{} : started.error().text;
}

}  // namespace

void resume_bulk_changes(const context& context, actions& actions) {
  for (const auto& [number, description] : context.broker.take_kept_actions()) {
    const auto reason = resume(context, actions, action_id{number}, description);
    if (reason.empty()) {
      log::info("action_resumed", "an action goes on after a restart", {{"action", number}});
      continue;
    }
    log::warning("action_forgotten", "an action of the last process does not go on",
                 {{"action", number}, {"reason", reason}});
    context.broker.forget_action(number);
  }
}

void add_bulk_changes(http::routes& routes, const context& context, actions& actions) {
  for (const bulk_kind& bulk : bulk_kinds) {
    routes.add(http::method::post, std::string{"/v1/queues/{name}/"} + bulk.name, bulk.about,
               [&context, &actions, &bulk](http::request request) {
                 return begin(context, actions, bulk, std::move(request));
               });
  }
}

}  // namespace millrace::control
