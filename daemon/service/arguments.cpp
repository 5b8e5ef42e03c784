#include "service/arguments.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include <millrace/base/quantity.hpp>

#include "base/command_line.hpp"
#include "loop/trace_recorder.hpp"

namespace millrace::service {
namespace {

constexpr const char* about =
    "millraced: a work-queue daemon. A YAML file defines producers, queues and consumers.\n"
    "Exit codes: 0 done, 1 failed while running, 2 bad arguments or settings, 3 could not start,\n"
    "4 (with --until-idle) some jobs failed or were not done.\n"
    "SIGTERM: the daemon drains. No job is reserved any more. Consumers and clients may finish the jobs they hold\n"
    "until drain_timeout; after that, these jobs are ready again. A connection without jobs closes when its replies\n"
    "are sent. A connection with jobs may delete, release, bury and touch them; its puts are answered DRAINING and\n"
    "its reserves TIMED_OUT. A second signal stops the daemon at once.\n"
    "SIGUSR1: puts of clients are answered DRAINING, and producers end. Everything else continues.";

early_exit refusal(const std::string& reason) { return {exit_code::bad_settings, refusal_text("millraced", reason)}; }

struct flags {
  bool check{false}, print_config{false}, print_example{false}, print_schema{false}, version{false};
  int verbosity{0};
  bool compaction{false};
  std::string limit, mode, format, level, summary, trace_limit;
};

void declare(CLI::App& app, arguments& given, flags& seen) {
  app.set_help_flag("-h,--help", "show this and exit");
  app.add_option("--config", given.config, "the settings file to run")->type_name("FILE");
  app.add_flag("--check", seen.check, "check the file, print every error in it, and exit");
  app.add_flag("--print-config", seen.print_config, "print the settings with every default filled in, and exit");
  app.add_flag("--print-example-config", seen.print_example,
               "print a commented settings file with every key, and exit");
  app.add_flag("--print-schema", seen.print_schema, "print the JSON Schema of settings files, and exit");
  app.add_flag("--until-idle", given.until_idle, "run until no work is left, print a summary, and exit");
  app.add_option("--limit", seen.limit, "end each endless producer after N bodies")->type_name("N");
  app.add_option("--mode", seen.mode, "run all handlers like this, and ignore run_on in the file")
      ->type_name("sequential|loop|threads|processes");
  app.add_option("--summary", seen.summary,
                 "with --until-idle: print the summary as text (default) or one line of json")
      ->type_name("text|json");
  app.add_option("--trace", given.trace, "record what tasks and jobs do, for Perfetto and millrace trace")
      ->type_name("FILE");
  app.add_option("--trace-limit", seen.trace_limit, "with --trace: end the trace at this size (default: 128MiB)")
      ->type_name("SIZE");
  app.add_option("--log-format", seen.format,
                 "how log lines are written (default: journald if standard error goes to it, else text)")
      ->type_name("text|json|journald");
  app.add_option("--log-level", seen.level, "lowest severity that is logged (default: that of daemon.log.level)")
      ->type_name("debug|info|warning|error");
  app.add_flag("-v,--version", seen.version, "print the version and exit");

  const auto* const group = "beanstalkd's options, instead of a settings file";
  auto& beanstalkd = given.beanstalkd;
  app.add_option("-l", beanstalkd.listen, "listen on this address, or unix:PATH (default: 127.0.0.1)")
      ->type_name("ADDR")
      ->group(group);
  app.add_option("-p", beanstalkd.port, "listen on this port (default: 11300)")->type_name("PORT")->group(group);
  app.add_option("-z", beanstalkd.job_bytes, "largest job body (default: 65535)")->type_name("BYTES")->group(group);
  app.add_option("-u", beanstalkd.user, "bind the addresses, then run as this user")->type_name("USER")->group(group);
  app.add_option("-b", beanstalkd.data_dir, "store jobs in this directory")->type_name("DIR")->group(group);
  app.add_option("-f", beanstalkd.sync_after,
                 "with -b: sync at most this much later; 0 (default): sync before a command is acknowledged")
      ->type_name("MS")
      ->group(group);
  app.add_flag("-F", beanstalkd.never_sync, "with -b: never sync")->group(group);
  app.add_option("-s", beanstalkd.log_bytes, "accepted and ignored: the size on disk depends on the jobs")
      ->type_name("BYTES")
      ->group(group);
  app.add_flag("-c,-n", seen.compaction, "accepted and ignored: there is no log to compact")->group(group);
  app.add_flag("-V", seen.verbosity, "log more")->group(group);
  app.add_option("--http", beanstalkd.http, "serve metrics and health at this address (default: none)")
      ->type_name("ADDR:PORT")
      ->group(group);
}

template <class E>
std::optional<early_exit> choose(const char* option, const std::string& word, const std::map<std::string, E>& choices,
                                 E& chosen) {
  if (word.empty()) return std::nullopt;
  if (const auto found = choices.find(word); found != choices.end()) {
    chosen = found->second;
    return std::nullopt;
  }
  std::string expected;
  for (const auto& [name, value] : choices) expected += (expected.empty() ? "" : ", ") + name;
  return refusal(std::string{option} + ": unknown value '" + word + "' (expected one of " + expected + ")");
}

std::optional<early_exit> read_values(const flags& seen, arguments& given) {
  if (!seen.limit.empty()) {
    const auto limit = parse_count(seen.limit);
    if (!limit) return refusal("--limit: " + limit.error().text);
    if (*limit == 0) return refusal("--limit: 0 is too small (expected a count from 1)");
    given.limit = *limit;
  }
  using workload::mode;
  static const std::map<std::string, mode> modes{{"sequential", mode::sequential},
                                                 {"loop", mode::loop},
                                                 {"threads", mode::threads},
                                                 {"processes", mode::processes}};
  static const std::map<std::string, log_format> formats{
      {"text", log_format::text}, {"json", log_format::json}, {"journald", log_format::journald}};
  static const std::map<std::string, log::level> levels{{"debug", log::level::debug},
                                                        {"info", log::level::info},
                                                        {"warning", log::level::warning},
                                                        {"error", log::level::error}};
  if (seen.verbosity > 0) given.level_min = log::level::debug;
  if (auto refused = choose("--mode", seen.mode, modes, given.mode)) return refused;
  static const std::map<std::string, summary_format> summaries{{"text", summary_format::text},
                                                               {"json", summary_format::json}};
  if (auto refused = choose("--summary", seen.summary, summaries, given.summary)) return refused;
  if (!seen.summary.empty() && !given.until_idle) return refusal("--summary needs --until-idle");
  if (auto refused = choose("--log-format", seen.format, formats, given.format)) return refused;
  auto level = given.level_min.value_or(log::level::info);
  if (auto refused = choose("--log-level", seen.level, levels, level)) return refused;
  if (!seen.level.empty()) given.level_min = level;
  return std::nullopt;
}

std::optional<early_exit> read_trace(const flags& seen, arguments& given) {
  if (!given.trace.empty() && given.task != task::run) return refusal("--trace needs a daemon that runs");
  if (seen.trace_limit.empty()) return std::nullopt;
  if (given.trace.empty()) return refusal("--trace-limit needs --trace FILE");
  const auto bytes = parse_size(seen.trace_limit);
  if (!bytes) return refusal("--trace-limit: " + bytes.error().text);
  constexpr auto least = loop::trace_recorder::file_bytes_least;
  if (*bytes < least) {
    return refusal("--trace-limit: " + seen.trace_limit + " is too small (expected a size from " + write_size(least) +
                   ")");
  }
  given.trace_bytes_max = *bytes;
  return std::nullopt;
}

std::optional<early_exit> read_task(const flags& seen, listener_source source, arguments& given) {
  const std::vector<std::pair<bool, task>> tasks{{seen.check, task::check},
                                                 {seen.print_config, task::print_config},
                                                 {seen.print_example, task::print_example_config},
                                                 {seen.print_schema, task::print_schema}};
  if (std::count_if(tasks.begin(), tasks.end(), [](const auto& t) { return t.first; }) > 1) {
    return refusal("--check and the --print options cannot be combined");
  }
  for (const auto& [wanted, task] : tasks) {
    if (wanted) given.task = task;
  }
  const bool reads_file = given.task != task::print_example_config && given.task != task::print_schema;
  if (!given.config.empty() && (given.beanstalkd.any() || given.beanstalkd.http))
    return refusal("-l, -p, -z, -u, -b and --http cannot be combined with --config FILE");
  if (given.beanstalkd.any() && given.task != task::run)
    return refusal("--check and the --print options cannot be combined with -l, -p, -z, -u and -b");
  const bool runs_on_passed_sockets = source == listener_source::passed && given.task == task::run;
  if (reads_file && given.config.empty() && !given.beanstalkd.any() && !runs_on_passed_sockets)
    return refusal("--config FILE is missing (or -l ADDR, -p PORT, to replace beanstalkd)");
  return std::nullopt;
}

}  // namespace

std::variant<arguments, early_exit> read_arguments(const std::vector<std::string>& words, listener_source source) {
  CLI::App app{about, "millraced"};
  arguments given;
  flags seen;
  declare(app, given, seen);
  if (const auto end = parse_command_line(app, words, "pass a settings file with --config FILE")) {
    const bool is_help = end->cause == command_line_end::reason::help;
    return early_exit{is_help ? exit_code::done : exit_code::bad_settings, end->text};
  }
  if (seen.version) return early_exit{exit_code::done, "millraced " MILLRACE_VERSION "\n"};
  if (auto refused = read_values(seen, given)) return *refused;
  if (auto refused = read_task(seen, source, given)) return *refused;
  if (auto refused = read_trace(seen, given)) return *refused;
  return given;
}

}  // namespace millrace::service
