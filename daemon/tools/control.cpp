#include "tools/control.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <optional>
#include <utility>

#include <CLI/CLI.hpp>
#include <boost/json/serialize.hpp>

#include "base/command_line.hpp"
#include "tools/control_client.hpp"
#include "tools/control_tables.hpp"

namespace millrace::tools {

namespace json = boost::json;

namespace {

/// Where the packaged service listens.
constexpr const char* default_address = "unix:/run/millrace/control.sock";
constexpr const char* address_variable = "MILLRACE_CONTROL";

exit_code fail(exit_code code, const std::string& reason) {
  std::fprintf(stderr, "millrace: %s\n", reason.c_str());
  return code;
}

/// The words of one command.
struct options {
  std::string address;
  bool json{false};
};

/// One command: its words, and what it does.
struct command {
  const char* name;
  const char* about;
  void (*declare)(CLI::App& app, options& given);
  exit_code (*run)(const control_client& daemon, const options& given);
};

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

/// Prints the answer: as JSON, or with `write`.
exit_code show(const result<control_reply>& reply, const options& given, std::string (*write)(const json::object&),
               exit_code code = exit_code::done) {
  if (!reply) return fail(exit_code::no_connection, reply.error().text);
  if (given.json) return print(json::serialize(reply->content) + "\n", reply->is_success() ? code : exit_code::failed);
  return reply->is_success() ? print(write(reply->content.get_object()), code) : refused(reply->content);
}

exit_code status(const control_client& daemon, const options& given) {
  const auto reply = daemon.get("/v1/status");
  const auto* const ready = reply ? reply->content.get_object().if_contains("ready") : nullptr;
  const bool is_ready = ready != nullptr && ready->is_bool() && ready->get_bool();
  return show(reply, given, status_text, is_ready ? exit_code::done : exit_code::failed);
}

exit_code tasks(const control_client& daemon, const options& given) {
  return show(daemon.get("/v1/tasks"), given, tasks_text);
}

constexpr std::array commands{
    command{"status", "millrace status: the state of the daemon. Status 0: ready, 1: not ready, 3: no daemon.",
            no_words, status},
    command{"tasks", "millrace tasks: the tasks of the daemon's loop, and what each waits for.", no_words, tasks},
};

const command* find(std::string_view word) {
  const auto* const found =
      std::find_if(commands.begin(), commands.end(), [&](const command& one) { return one.name == word; });
  return found == commands.end() ? nullptr : found;
}

std::string address_of_daemon() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the environment never changes
  const char* const given = std::getenv(address_variable);
  return given == nullptr || *given == '\0' ? default_address : given;
}

}  // namespace

bool is_control_command(std::string_view word) { return find(word) != nullptr; }

exit_code control(const std::string& name, const std::vector<std::string>& words) {
  const command& chosen = *find(name);
  options given{.address = address_of_daemon()};
  CLI::App app{chosen.about, "millrace " + name};
  app.set_help_flag("-h,--help", "show this and exit");
  app.add_option(
         "--control", given.address,
         std::string{"the daemon's control socket (default: $"} + address_variable + ", else " + default_address + ")")
      ->type_name("ADDRESS");
  app.add_flag("--json", given.json, "print the answer of the daemon as JSON");
  chosen.declare(app, given);
  if (const auto end = parse_command_line(app, words, "the command takes no such word")) {
    const bool is_help = end->why == command_line_end::reason::help;
    std::fputs(end->text.c_str(), is_help ? stdout : stderr);
    return is_help ? exit_code::done : exit_code::bad_arguments;
  }
  auto address = network::parse_address(given.address);
  if (!address) return fail(exit_code::bad_arguments, "--control: " + address.error().text);
  return chosen.run(control_client{std::move(*address)}, given);
}

}  // namespace millrace::tools
