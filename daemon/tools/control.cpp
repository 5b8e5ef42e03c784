#include "tools/control.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>
#include <millrace/base/time.hpp>

#include "base/command_line.hpp"
#include "network/url.hpp"
#include "tools/control_client.hpp"
#include "tools/control_command.hpp"
#include "tools/control_tables.hpp"

namespace millrace::tools {

namespace json = boost::json;

namespace {

/// Where the packaged service listens.
constexpr const char* default_address = "unix:/run/millrace/control.sock";
constexpr const char* address_variable = "MILLRACE_CONTROL";
constexpr seconds watch_every{1};

exit_code fail(exit_code code, const std::string& reason) {
  std::fprintf(stderr, "millrace: %s\n", reason.c_str());
  return code;
}

using options = control_options;
using command = control_command;

void no_words(CLI::App&, options&) {}

exit_code print(const std::string& text, exit_code code = exit_code::done) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  return std::fflush(stdout) == 0 ? code : fail(exit_code::failed, "standard output cannot be written");
}

/// Prints the error of a request that the daemon refused.
exit_code refused(const json::value& content) {
  const auto* const error = content.as_object().if_contains("error");
  std::string reason = "the daemon refused this";
  if (error != nullptr && error->is_object()) {
    if (const auto* const message = error->get_object().if_contains("message"); message && message->is_string())
      reason = std::string{message->get_string()};
  }
  return fail(exit_code::failed, reason);
}

exit_code status(const control_client& daemon, const options& given) {
  const auto reply = daemon.get("/v1/status");
  const auto* const ready = reply ? reply->content.get_object().if_contains("ready") : nullptr;
  const bool is_ready = ready != nullptr && ready->is_bool() && ready->get_bool();
  return show(reply, given, status_text, is_ready ? exit_code::done : exit_code::failed);
}

void tasks_words(CLI::App& app, options& given) {
  app.add_flag("--watch", given.watch, "print them again every second, until the daemon ends");
}

exit_code tasks(const control_client& daemon, const options& given) {
  const bool is_terminal = ::isatty(STDOUT_FILENO) == 1;
  while (true) {
    const auto reply = daemon.get("/v1/tasks");
    if (given.watch && is_terminal) static_cast<void>(print("\033[H\033[2J"));  // clears the screen
    const auto code = show(reply, given, tasks_text);
    if (!given.watch || code != exit_code::done) return code;
    std::this_thread::sleep_for(watch_every);
    if (!is_terminal && !given.json) static_cast<void>(print("\n"));
  }
}

exit_code queues(const control_client& daemon, const options& given) {
  return show_all(daemon, given, "/v1/queues?limit=1000", "/v1/queues?limit=1000", "queues", queues_text);
}

exit_code queue(const control_client& daemon, const options& given) {
  return show(daemon.get(path_of_queue(given)), given, queue_text);
}

void job_words(CLI::App& app, options& given) {
  app.add_option("ID", given.name, "the id of the job")->required();
  app.add_flag("--body", given.body, "show its body, up to 1 MiB");
}

exit_code job(const control_client& daemon, const options& given) {
  return show(daemon.get("/v1/jobs/" + network::percent_encoded(given.name) + (given.body ? "?body=1" : "")), given,
              job_text);
}

void group_words(CLI::App& app, options& given) { app.add_option("ID", given.name, "the id of the group")->required(); }

exit_code group(const control_client& daemon, const options& given) {
  return show(daemon.get("/v1/groups/" + network::percent_encoded(given.name)), given, group_text);
}

void pause_words(CLI::App& app, options& given) {
  add_queue_word(app, given);
  app.add_option("--for", given.length, "end the pause after this time (default: when it is resumed)")
      ->type_name("TIME");
}

exit_code pause(const control_client& daemon, const options& given) {
  json::object body;
  if (!given.length.empty()) body["for"] = given.length;
  return show(daemon.post(path_of_queue(given) + "/pause", body), given, queue_text);
}

exit_code resume(const control_client& daemon, const options& given) {
  return show(daemon.post(path_of_queue(given) + "/resume", json::object{}), given, queue_text);
}

void purge_words(CLI::App& app, options& given) {
  add_queue_word(app, given);
  app.add_option("--state", given.states, "ready, delayed or buried; several with commas")
      ->type_name("STATES")
      ->delimiter(',')
      ->required();
  add_no_wait_flag(app, given);
}

exit_code purge(const control_client& daemon, const options& given) {
  json::array states;
  for (const auto& state : given.states) states.push_back(json::string{state});
  return act(daemon, given, path_of_queue(given) + "/purge", json::object{{"states", std::move(states)}});
}

void backup_words(CLI::App& app, options& given) {
  app.add_option("DIRECTORY", given.name, "an absolute path on the daemon's machine; must not exist")->required();
  add_no_wait_flag(app, given);
}

exit_code backup(const control_client& daemon, const options& given) {
  return act(daemon, given, "/v1/backup", json::object{{"directory", given.name}});
}

exit_code actions(const control_client& daemon, const options& given) {
  return show(daemon.get("/v1/actions"), given, actions_text);
}

exit_code reload(const control_client& daemon, const options& given) {
  constexpr unsigned not_applied = 409;
  const auto reply = daemon.post("/v1/reload", json::object{});
  if (!reply || reply->status != not_applied || given.json) return show(reply, given, reload_text);
  return print(reload_text(reply->content.get_object()), exit_code::failed);
}

constexpr std::array commands{
    command{"status", "millrace status: the state of the daemon. Status 0: ready, 1: not ready, 3: no daemon.",
            no_words, status},
    command{"tasks", "millrace tasks: the tasks of the daemon's loop, and what each waits for.", tasks_words, tasks},
    command{"queues", "millrace queues: jobs, age and rates of each queue.", no_words, queues},
    command{"queue", "millrace queue QUEUE: one queue with its limits, clients, ages and rates.", add_queue_word,
            queue},
    command{"job", "millrace job ID: one job with its history and its holder.", job_words, job},
    command{"group", "millrace group ID: how many jobs of a group have ended.", group_words, group},
    command{"actions", "millrace actions: the purges, kicks and backups of this daemon.", no_words, actions},
    command{"pause", "millrace pause QUEUE: hands out no job of the queue; puts go on.", pause_words, pause},
    command{"resume", "millrace resume QUEUE: ends the pause.", add_queue_word, resume},
    command{"purge", "millrace purge QUEUE --state STATES: deletes the jobs that are in these states now.", purge_words,
            purge},
    command{"backup",
            "millrace backup DIRECTORY: copies the data, on which a daemon can start, while the daemon goes on.",
            backup_words, backup},
    command{"reload", "millrace reload: reads the settings again. Status 0: applied, 1: not, and nothing is changed.",
            no_words, reload},
};

const command* find(std::string_view word) {
  const auto* const found =
      std::find_if(commands.begin(), commands.end(), [&](const command& one) { return one.name == word; });
  if (found != commands.end()) return found;
  for (const auto more : {job_commands(), trace_commands()})
    for (const command& one : more)
      if (one.name == word) return &one;
  return nullptr;
}

std::string address_of_daemon() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the environment never changes
  const char* const given = std::getenv(address_variable);
  return given == nullptr || *given == '\0' ? default_address : given;
}

}  // namespace

void add_queue_word(CLI::App& app, control_options& given) {
  app.add_option("QUEUE", given.name, "the name of the queue")->required();
}

void add_no_wait_flag(CLI::App& app, control_options& given) {
  app.add_flag("--no-wait", given.no_wait, "do not wait until it is done");
}

std::string path_of_queue(const control_options& given) { return "/v1/queues/" + network::percent_encoded(given.name); }

exit_code show(const result<control_reply>& reply, const control_options& given,
               std::string (*write)(const json::object&), exit_code code) {
  if (!reply) return fail(exit_code::no_connection, reply.error().text);
  if (given.json) return print(json::serialize(reply->content) + "\n", reply->is_success() ? code : exit_code::failed);
  return reply->is_success() ? print(write(reply->content.get_object()), code) : refused(reply->content);
}

exit_code act(const control_client& daemon, const control_options& given, const std::string& path,
              const json::object& body) {
  constexpr unsigned is_running = 202;
  const std::string wait = given.no_wait ? "" : "?wait=10s";
  auto reply = daemon.post(path + wait, body);
  while (reply && reply->status == is_running && !given.no_wait) {
    const auto id = reply->content.get_object().at("id").to_number<std::uint64_t>();
    reply = daemon.get("/v1/actions/" + std::to_string(id) + wait);
  }
  const auto* const state = reply ? reply->content.get_object().if_contains("state") : nullptr;
  const bool is_well = state != nullptr && (*state == json::value("done") || *state == json::value("running"));
  return show(reply, given, action_text, is_well ? exit_code::done : exit_code::failed);
}

exit_code show_all(const control_client& daemon, const control_options& given, const std::string& target,
                   const std::string& next_target, const char* member, std::string (*write)(const json::object&),
                   std::uint64_t most) {
  json::array all;
  auto asked = target;
  for (;;) {
    auto reply = daemon.get(asked);
    if (!reply || !reply->is_success()) return show(reply, given, write);
    auto& page = reply->content.get_object();
    auto* const shown = page.if_contains(member);
    if (shown != nullptr && shown->is_array())
      for (auto& one : shown->get_array())
        if (all.size() < most) all.push_back(std::move(one));
    const auto* const next = page.if_contains("next_cursor");
    if (next == nullptr || next->is_null() || all.size() >= most) {
      page[member] = std::move(all);
      return show(reply, given, write);
    }
    const auto cursor = next->is_string() ? std::string{next->get_string()} : json::serialize(*next);
    asked = next_target + "&cursor=" + cursor;
  }
}

bool is_control_command(std::string_view word) { return find(word) != nullptr; }

bool is_option_of_control(std::string_view word) {
  return word == "--control" || word.starts_with("--control=") || word == "--json";
}

exit_code control(const std::string& name, const std::vector<std::string>& words) {
  const command& chosen = *find(name);
  options given;
  given.address = address_of_daemon();
  CLI::App app{chosen.about, "millrace " + name};
  app.set_help_flag("-h,--help", "show this and exit");
  app.add_option(
         "--control", given.address,
         std::string{"the daemon's control socket (default: $"} + address_variable + ", else " + default_address + ")")
      ->type_name("ADDRESS");
  app.add_flag("--json", given.json, "print the answer of the daemon as JSON");
  chosen.declare(app, given);
  if (const auto end = parse_command_line(app, words, "the command takes no such word")) {
    const bool is_help = end->cause == command_line_end::reason::help;
    std::fputs(end->text.c_str(), is_help ? stdout : stderr);
    return is_help ? exit_code::done : exit_code::bad_arguments;
  }
  auto address = network::parse_address(given.address);
  if (!address) return fail(exit_code::bad_arguments, "--control: " + address.error().text);
  return chosen.run(control_client{std::move(*address)}, given);
}

}  // namespace millrace::tools
