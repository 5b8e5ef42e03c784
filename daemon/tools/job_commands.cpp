// The commands on jobs: list and find them, cancel one, and change all that are found.
#include <algorithm>
#include <array>

#include <CLI/CLI.hpp>
#include <boost/json/array.hpp>

#include "network/url.hpp"
#include "tools/control_command.hpp"
#include "tools/control_tables.hpp"

namespace millrace::tools {

namespace json = boost::json;

namespace {

void add_states_option(CLI::App& app, control_options& given, const char* about) {
  app.add_option("--state", given.states, about)->type_name("STATES")->delimiter(',');
}

void add_filter(CLI::App& app, control_options& given) {
  app.add_option("--older", given.older, "in their state for at least this time")->type_name("TIME");
  app.add_option("--reason", given.reason, "buried or dead-lettered for this reason")->type_name("REASON");
  app.add_option("--origin", given.origin, "dead letters that came from this queue")->type_name("QUEUE");
  app.add_option("--text", given.text, "with this text in their error or in the first MiB of their body")
      ->type_name("TEXT");
}

void jobs_words(CLI::App& app, control_options& given) {
  add_queue_word(app, given);
  app.add_option("--state", given.states, "ready, delayed, buried or reserved (default: ready)")
      ->type_name("STATE")
      ->expected(1);
  add_filter(app, given);
  app.add_option("--limit", given.limit, "show at most so many (default: 100)")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  app.add_flag("--body", given.body, "show their bodies, up to 64 KiB each");
}

/// `&key=value` if there is a value.
std::string parameter(const char* key, const std::string& value) {
  return value.empty() ? "" : std::string{"&"} + key + "=" + network::percent_encoded(value);
}

exit_code jobs(const control_client& daemon, const control_options& given) {
  constexpr std::uint64_t by_default = 100;
  constexpr std::uint64_t page_max = 1'000;
  const auto most = given.limit == 0 ? by_default : given.limit;
  const auto limit = "limit=" + std::to_string(std::min(most, page_max));
  const auto path = path_of_queue(given) + "/jobs?";
  const auto selection = parameter("state", given.states.empty() ? "" : given.states.front()) +
                         parameter("older", given.older) + parameter("reason", given.reason) +
                         parameter("origin", given.origin) + parameter("text", given.text) +
                         (given.body ? "&body=1" : "");
  return show_all(daemon, given, path + limit + selection, path + limit, "jobs", jobs_text, most);
}

void id_word(CLI::App& app, control_options& given) {
  app.add_option("ID", given.name, "the id of the job")->required();
}

exit_code cancel(const control_client& daemon, const control_options& given) {
  return show(daemon.post("/v1/jobs/" + network::percent_encoded(given.name) + "/cancel", json::object{}), given,
              cancelled_text);
}

void bulk_words(CLI::App& app, control_options& given) {
  add_filter(app, given);
  app.add_option("--limit", given.limit, "change at most so many, the longest in their state first")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  app.add_option("--rate", given.rate, "change at most so many a second")->type_name("N")->check(CLI::PositiveNumber);
  app.add_flag("--dry-run", given.dry_run, "count them and change nothing");
  add_no_wait_flag(app, given);
}

void filtered_words(CLI::App& app, control_options& given) {
  add_queue_word(app, given);
  add_states_option(app, given, "ready, delayed or buried; several with commas");
  app.get_option("--state")->required();
  bulk_words(app, given);
}

void redrive_words(CLI::App& app, control_options& given) {
  add_queue_word(app, given);
  add_states_option(app, given, "ready, delayed or buried; several with commas (default: ready,buried)");
  app.add_option("--to", given.to, "into this queue (default: where each came from)")->type_name("QUEUE");
  app.add_flag("--keep-counts", given.keep_counts, "failures and interruptions go on instead of starting anew");
  bulk_words(app, given);
}

void move_words(CLI::App& app, control_options& given) {
  filtered_words(app, given);
  app.add_option("--to", given.to, "into this queue")->type_name("QUEUE")->required();
}

void kick_words(CLI::App& app, control_options& given) {
  add_queue_word(app, given);
  add_states_option(app, given, "buried or delayed (default: delayed if none is buried)");
  bulk_words(app, given);
}

void priority_words(CLI::App& app, control_options& given) {
  add_queue_word(app, given);
  app.add_option("PRIORITY", given.priority, "0 is most urgent")->required();
  add_states_option(app, given, "ready, delayed or buried; several with commas (default: ready,delayed)");
  bulk_words(app, given);
}

/// The words that all bulk changes have, as the body of the request.
json::object bulk_body(const control_options& given) {
  json::object body;
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) body[key] = value;
  };
  if (!given.states.empty()) {
    json::array states;
    for (const auto& state : given.states) states.push_back(json::string{state});
    body["state"] = std::move(states);
  }
  add("older", given.older);
  add("reason", given.reason);
  add("origin", given.origin);
  add("text", given.text);
  add("to", given.to);
  if (given.limit > 0) body["limit"] = given.limit;
  if (given.rate > 0) body["rate"] = given.rate;
  if (given.dry_run) body["dry_run"] = true;
  if (given.keep_counts) body["keep_counts"] = true;
  return body;
}

exit_code change(const control_client& daemon, const control_options& given, const char* verb) {
  return act(daemon, given, path_of_queue(given) + "/" + verb, bulk_body(given));
}

exit_code redrive(const control_client& daemon, const control_options& given) {
  return change(daemon, given, "redrive");
}
exit_code move(const control_client& daemon, const control_options& given) { return change(daemon, given, "move"); }
exit_code cancel_jobs(const control_client& daemon, const control_options& given) {
  return change(daemon, given, "cancel");
}
exit_code delete_jobs(const control_client& daemon, const control_options& given) {
  return change(daemon, given, "delete");
}
exit_code kick(const control_client& daemon, const control_options& given) { return change(daemon, given, "kick"); }

exit_code set_priority(const control_client& daemon, const control_options& given) {
  auto body = bulk_body(given);
  body["priority"] = given.priority;
  return act(daemon, given, path_of_queue(given) + "/priority", body);
}

void action_word(CLI::App& app, control_options& given) {
  app.add_option("ACTION", given.name, "the number of the action")->required();
}

exit_code stop(const control_client& daemon, const control_options& given) {
  return show(daemon.post("/v1/actions/" + network::percent_encoded(given.name) + "/stop?wait=10s", json::object{}),
              given, action_text);
}

constexpr std::array all_commands{
    control_command{"jobs", "millrace jobs QUEUE: the jobs of a queue in one state, the longest in it first.",
                    jobs_words, jobs},
    control_command{"cancel", "millrace cancel ID: ends one job, whatever its state; its holder loses it.", id_word,
                    cancel},
    control_command{"redrive", "millrace redrive QUEUE: brings dead letters back to the queues they came from.",
                    redrive_words, redrive},
    control_command{"move-jobs",
                    "millrace move-jobs QUEUE --state STATES --to QUEUE: moves jobs; they keep their state.",
                    move_words, move},
    control_command{"cancel-jobs",
                    "millrace cancel-jobs QUEUE --state STATES: ends the jobs that are found as cancelled.",
                    filtered_words, cancel_jobs},
    control_command{"delete-jobs", "millrace delete-jobs QUEUE --state STATES: deletes the jobs that are found.",
                    filtered_words, delete_jobs},
    control_command{"kick", "millrace kick QUEUE: makes buried jobs, or else delayed ones, ready.", kick_words, kick},
    control_command{"set-priority",
                    "millrace set-priority QUEUE PRIORITY: gives the jobs that are found another priority.",
                    priority_words, set_priority},
    control_command{"stop", "millrace stop ACTION: ends an action at its next step; what it has changed stays so.",
                    action_word, stop},
};

}  // namespace

std::span<const control_command> job_commands() noexcept { return all_commands; }

}  // namespace millrace::tools
