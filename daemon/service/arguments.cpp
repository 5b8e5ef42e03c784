#include "service/arguments.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include <millrace/base/quantity.hpp>

#include "base/command_line.hpp"

namespace millrace::service {
namespace {

constexpr const char* about =
    "millraced: a work-queue daemon. Producers, queues and consumers are written in a YAML file.\n"
    "Exit codes: 0 done, 1 failed while running, 2 bad arguments or settings, 3 could not start.\n"
    "SIGTERM: no job is given to anybody any more; jobs in hand, of consumers and of clients, may be finished until\n"
    "drain_timeout, then they are ready again. A connection without jobs closes when its replies are sent; one with "
    "jobs\n"
    "may delete, release, bury and touch them, its puts are answered DRAINING and its reserves TIMED_OUT.\n"
    "A second signal stops at once. SIGUSR1: puts of clients are answered DRAINING, all else goes on.";

early_exit refusal(const std::string& wrong) { return {exit_code::bad_settings, refusal_text("millraced", wrong)}; }

struct flags {
  bool check{false}, print_config{false}, print_example{false}, print_schema{false}, version{false};
  int verbosity{0};
  bool compaction{false};
  std::string limit, mode, format, level, summary;
};

void declare(CLI::App& app, arguments& given, flags& seen) {
  app.set_help_flag("-h,--help", "show this and exit");
  app.add_option("--config", given.config, "the settings file to run")->type_name("FILE");
  app.add_flag("--check", seen.check, "read and check the file, say every error in it, and exit");
  app.add_flag("--print-config", seen.print_config, "print the settings with every default filled in, and exit");
  app.add_flag("--print-example-config", seen.print_example,
               "print a commented file with every key there is, and exit");
  app.add_flag("--print-schema", seen.print_schema, "print the JSON Schema of settings files, and exit");
  app.add_flag("--until-idle", given.until_idle, "run until nothing is left to do, print a summary, and exit");
  app.add_option("--limit", seen.limit, "bodies that an endless producer makes before it ends")->type_name("N");
  app.add_option("--mode", seen.mode, "where every handler runs, whatever the file says: sequential, loop, threads")
      ->type_name("MODE");
  app.add_option("--summary", seen.summary, "with --until-idle: the summary as text (default) or as one line of json")
      ->type_name("FORMAT");
  app.add_option("--log-format", seen.format,
                 "text, json or journald (default: journald when standard error is its stream, else text)")
      ->type_name("FORMAT");
  app.add_option("--log-level", seen.level, "least severity that is logged: debug, info (default), warning, error")
      ->type_name("LEVEL");
  app.add_flag("-v,--version", seen.version, "print the version and exit");

  const auto* const instead = "beanstalkd's options, instead of a settings file";
  auto& same = given.drop_in;
  app.add_option("-l", same.listen, "listen on this address, or unix:PATH (default: 127.0.0.1)")
      ->type_name("ADDR")
      ->group(instead);
  app.add_option("-p", same.port, "listen on this port (default: 11300)")->type_name("PORT")->group(instead);
  app.add_option("-z", same.job_bytes, "the largest job (default: 65535)")->type_name("BYTES")->group(instead);
  app.add_option("-u", same.user, "become this user when the addresses are bound")->type_name("USER")->group(instead);
  app.add_option("-b", same.data_dir, "keep jobs in this directory")->type_name("DIR")->group(instead);
  app.add_option("-f", same.sync_after,
                 "with -b: jobs are on disk after this time; 0, the default: before they are acknowledged")
      ->type_name("MS")
      ->group(instead);
  app.add_flag("-F", same.never_sync, "with -b: never sync")->group(instead);
  app.add_option("-s", same.log_bytes, "means nothing here: disk use follows the jobs")
      ->type_name("BYTES")
      ->group(instead);
  app.add_flag("-c,-n", seen.compaction, "mean nothing here: there is no log to compact")->group(instead);
  app.add_flag("-V", seen.verbosity, "log more")->group(instead);
  app.add_option("--http", same.http, "serve metrics and health there too (default: nowhere)")
      ->type_name("ADDR:PORT")
      ->group(instead);
}

template <class E>
std::optional<early_exit> choose(const char* option, const std::string& word, const std::map<std::string, E>& choices,
                                 E& into) {
  if (word.empty()) return std::nullopt;
  if (const auto found = choices.find(word); found != choices.end()) {
    into = found->second;
    return std::nullopt;
  }
  std::string expected;
  for (const auto& [name, value] : choices) expected += (expected.empty() ? "" : ", ") + name;
  return refusal(std::string{option} + ": unknown word '" + word + "' (expected one of " + expected + ")");
}

std::optional<early_exit> read_words(const flags& seen, arguments& into) {
  if (!seen.limit.empty()) {
    const auto limit = parse_count(seen.limit);
    if (!limit) return refusal("--limit: " + limit.error().text);
    if (*limit == 0) return refusal("--limit: 0 is too small (expected a count from 1)");
    into.limit = *limit;
  }
  if (seen.mode == "processes") return refusal("--mode processes: worker processes are planned, not here yet");
  using workload::mode;
  static const std::map<std::string, mode> modes{
      {"sequential", mode::sequential}, {"loop", mode::loop}, {"threads", mode::threads}};
  static const std::map<std::string, log_format> formats{
      {"text", log_format::text}, {"json", log_format::json}, {"journald", log_format::journald}};
  static const std::map<std::string, log::level> levels{{"debug", log::level::debug},
                                                        {"info", log::level::info},
                                                        {"warning", log::level::warning},
                                                        {"error", log::level::error}};
  if (seen.verbosity > 0) into.least = log::level::debug;
  if (auto wrong = choose("--mode", seen.mode, modes, into.mode)) return wrong;
  static const std::map<std::string, summary_format> summaries{{"text", summary_format::text},
                                                               {"json", summary_format::json}};
  if (auto wrong = choose("--summary", seen.summary, summaries, into.summary)) return wrong;
  if (!seen.summary.empty() && !into.until_idle) return refusal("--summary is of use with --until-idle only");
  if (auto wrong = choose("--log-format", seen.format, formats, into.format)) return wrong;
  return choose("--log-level", seen.level, levels, into.least);
}

std::optional<early_exit> read_task(const flags& seen, arguments& into) {
  const std::vector<std::pair<bool, task>> tasks{{seen.check, task::check},
                                                 {seen.print_config, task::print_config},
                                                 {seen.print_example, task::print_example_config},
                                                 {seen.print_schema, task::print_schema}};
  if (std::count_if(tasks.begin(), tasks.end(), [](const auto& t) { return t.first; }) > 1) {
    return refusal("--check and the --print options each stand alone");
  }
  for (const auto& [wanted, what] : tasks) {
    if (wanted) into.what = what;
  }
  const bool reads_file = into.what != task::print_example_config && into.what != task::print_schema;
  if (!into.config.empty() && (into.drop_in.any() || into.drop_in.http))
    return refusal("-l, -p, -z, -u and --http stand instead of --config FILE, not beside it");
  if (into.drop_in.any() && into.what != task::run) return refusal("this needs --config FILE");
  if (reads_file && into.config.empty() && !into.drop_in.any())
    return refusal("--config FILE is missing (or -l ADDR, -p PORT, to stand in for beanstalkd)");
  return std::nullopt;
}

}  // namespace

std::variant<arguments, early_exit> read_arguments(const std::vector<std::string>& words) {
  CLI::App app{about, "millraced"};
  arguments given;
  flags seen;
  declare(app, given, seen);
  if (const auto end = parse_command_line(app, words, "settings files are given with --config FILE")) {
    const bool is_help = end->why == command_line_end::reason::help;
    return early_exit{is_help ? exit_code::done : exit_code::bad_settings, end->text};
  }
  if (seen.version) return early_exit{exit_code::done, "millraced " MILLRACE_VERSION "\n"};
  if (auto wrong = read_words(seen, given)) return *wrong;
  if (auto wrong = read_task(seen, given)) return *wrong;
  return given;
}

}  // namespace millrace::service
