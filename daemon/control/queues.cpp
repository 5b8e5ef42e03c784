#include "control/queues.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>
#include <millrace/loop/deadline.hpp>

namespace millrace::control {

namespace json = boost::json;

namespace {

/// Queues of one answer.
constexpr std::uint64_t queues_max = 1'000;
constexpr std::uint64_t queues_by_default = 100;
/// Queues that are described before other tasks have a turn: less than 100 µs.
constexpr std::size_t queues_at_once = 10;

std::string_view name_of(engine::overflow when_full) {
  switch (when_full) {
    case engine::overflow::block:
      return "block";
    case engine::overflow::reject:
      return "reject";
    case engine::overflow::drop_oldest:
      return "drop_oldest";
  }
  return "";
}

std::string_view name_of(engine::durability durability) {
  switch (durability) {
    case engine::durability::memory:
      return "memory";
    case engine::durability::relaxed:
      return "relaxed";
    case engine::durability::sync:
      return "sync";
  }
  return "";
}

json::value pause_of(const engine::queue_levels& levels, instant now) {
  json::value shown;
  if (levels.paused_until == engine::no_pause) return shown;
  json::value left;
  if (levels.paused_until != never) left = in_seconds(age(now, levels.paused_until));
  shown = json::object{{"left_seconds", left}};
  return shown;
}

template <class Counters, class NameOf>
json::object by_name(const Counters& counts, NameOf name) {
  json::object shown;
  for (std::size_t n = 0; n < counts.size(); ++n) shown[name(n)] = counts[n].value();
  return shown;
}

json::object counts_of(const engine::queue_counts& counts) {
  const auto outcome = [](std::size_t n) { return engine::name_of(static_cast<engine::outcome>(n)); };
  const auto reason = [](std::size_t n) { return engine::name_of(static_cast<engine::reason>(n)); };
  return {{"puts", counts.puts.value()},
          {"reserves", counts.reserved.value()},
          {"releases", counts.released.value()},
          {"kicks", counts.kicked.value()},
          {"expired_leases", counts.ttr_expired.value()},
          {"retries", counts.retried.value()},
          {"postponements", counts.postponed.value()},
          {"interruptions", counts.interrupted.value()},
          {"pauses", counts.pauses.value()},
          {"ended", by_name(counts.finished, outcome)},
          {"buried", by_name(counts.buried, reason)},
          {"dead_lettered", by_name(counts.dead_lettered, reason)},
          {"rejected", by_name(counts.rejected, reason)}};
}

json::object rate_of(const rates::rate& rate) { return {{"1m", rate[0]}, {"5m", rate[1]}, {"15m", rate[2]}}; }

json::value rates_of(const std::optional<rates::queue_rates>& known) {
  json::value shown;
  if (known)
    shown = json::object{
        {"puts", rate_of(known->puts)}, {"reserves", rate_of(known->reserves)}, {"ends", rate_of(known->ends)}};
  return shown;
}

loop::awaitable<http::response> list_queues(const context& context, const rates& rates, http::request request) {
  const auto options = query::of(request, "limit cursor");
  if (!options) co_return refuse(options.error());
  const auto limit = options->number("limit", 1, queues_max, queues_by_default);
  if (!limit) co_return refuse(limit.error());
  const auto cursor = options->number("cursor", 1, UINT64_MAX, 0);
  if (!cursor) co_return refuse(cursor.error());
  std::vector<queue_id> queues;
  const auto next = context.broker.engine().list_queues(*cursor, *limit, queues);
  // The text grows queue by queue: to write the JSON of all queues at once would hold the loop.
  std::string text = R"({"queues":[)";
  const std::size_t begin = text.size();
  std::size_t turns = 0;
  for (const auto queue : queues) {
    if (turns++ == queues_at_once) {
      turns = 1;
      co_await loop::yield(context.loop);
    }
    // A client or a reload may have removed the queue meanwhile.
    if (context.broker.engine().name_of(queue).empty()) continue;
    if (text.size() != begin) text += ',';
    text += json_text(describe_queue(context, rates, queue));
  }
  text += R"(],"total":)" + std::to_string(context.broker.engine().queue_count());
  text += R"(,"next_cursor":)" + (next == 0 ? "null" : std::to_string(next)) + '}';
  auto answer = json_text_answer(200, std::move(text));
  co_return answer;
}

http::response show_queue(const context& context, const rates& rates, const http::request& request) {
  if (const auto options = query::of(request, ""); !options) return refuse(options.error());
  const auto queue = queue_of(context, request);
  return queue ? json_answer(200, describe_queue(context, rates, *queue)) : refuse(queue.error());
}

}  // namespace

checked<queue_id> queue_of(const context& context, const http::request& request) {
  const auto& name = request.parameters.at("name");
  const auto found = context.broker.find(name);
  if (!found) return refusal{404, "no_such_queue", "There is no queue `" + name.substr(0, 200) + "`.", "path"};
  return *found;
}

json::object describe_queue(const context& context, const rates& rates, queue_id queue) {
  const auto& engine = context.broker.engine();
  const auto now = context.loop.now();
  const auto levels = engine.levels(queue);
  const auto& options = engine.options_of(queue);
  return {{"name", engine.name_of(queue)},
          {"jobs",
           {{"ready", levels.ready},
            {"reserved", levels.reserved},
            {"delayed", levels.delayed},
            {"buried", levels.buried}}},
          {"urgent", levels.urgent},
          {"bytes", levels.bytes()},
          {"oldest_seconds",
           {{"ready", seconds_since(levels.oldest_ready, now)},
            {"reserved", seconds_since(levels.oldest_reserved, now)},
            {"delayed", seconds_since(levels.oldest_delayed, now)},
            {"buried", seconds_since(levels.oldest_buried, now)}}},
          {"limits",
           {{"max_jobs", options.max_jobs},
            {"max_bytes", options.max_bytes},
            {"overflow", name_of(options.when_full)},
            {"durability", name_of(options.durability)}}},
          {"paused", pause_of(levels, now)},
          {"clients",
           {{"using", levels.using_sessions},
            {"watching", levels.watching_sessions},
            {"waiting", levels.waiting_sessions}}},
          {"waiting_puts", levels.waiting_puts},
          {"put_waits_seconds", seconds_since(levels.first_put_waits_since, now)},
          {"rates", rates_of(rates.of(queue))},
          {"counts", counts_of(engine.counts(queue))}};
}

void add_queues(http::routes& routes, const context& context, const rates& rates) {
  routes.add(http::method::get, "/v1/queues", "the queues, a page at a time",
             [&](http::request request) { return list_queues(context, rates, std::move(request)); });
  routes.add(http::method::get, "/v1/queues/{name}", "one queue",
             [&](const http::request& request) { return http::at_once(show_queue(context, rates, request)); });
}

}  // namespace millrace::control
