#include "tools/bench_arguments.hpp"

#include <CLI/CLI.hpp>

#include "base/command_line.hpp"
#include "tools/bench_words.hpp"

namespace millrace::tools {
namespace {

constexpr const char* about =
    "millrace bench: a load for any server of the beanstalk protocol, and how fast it answered.\n\n"
    "Each connection keeps DEPTH commands in flight: that many puts leave in one piece, then reserves, then deletes.\n"
    "With --rate jobs are put at fixed instants instead, whatever the answers, and latency counts from those instants\n"
    "(the sender keeps a core busy for that). Every job must be delivered exactly once. Queues are the run's own and "
    "are\n"
    "left empty.";

constexpr const char* footer =
    "Quantities are written 100k (jobs), 64KiB, 500ms, 20k/s.\n"
    "--json prints one object: server, options, runs (a list) and total. Each run and the total have jobs_per_second,\n"
    "commands_per_second, seconds, jobs, commands, and latency_us: count, mean, p50, p90, p99, p99_9 and max of put,\n"
    "reserve, delete, job (put to reserved) and lag (of the sender, with --rate). With --against it also has against,\n"
    "with the server, runs and total of the other one, and ratio: median, least and most of the pairs for\n"
    "jobs_per_second and p99.\n"
    "Exit codes: 0 done, 1 failed while running, or a job was lost or came twice, 2 bad arguments,\n"
    "3 no server of the protocol there.";

void declare(CLI::App& app, bench_words& words, bench_options& into) {
  app.set_help_flag("-h,--help", "show this and exit");
  app.footer(footer);
  const auto option = [&app](const char* name, std::string& word, const char* type, const std::string& text) {
    app.add_option(name, word, text)->type_name(type);
  };
  option("server", words.server, "HOST:PORT", "or unix:PATH; 127.0.0.1:11300 unless given");
  option("--against", words.against, "HOST:PORT",
         "a second server: runs alternate between the two, and the ratio is said");
  option("--phase", words.phase, "PHASE", "mix (put, reserve, delete; default), put, or drain (what was put before)");
  option("--connections", words.connections, "N", "that work (16); with --rate half of them put, the others reserve");
  option("--depth", words.depth, "N", "commands in flight on each (8)");
  option("--body", words.body, "SIZE", "of a job (64)");
  option("--for", words.length, "DURATION", "how long is measured (3s; 1s with --against)");
  option("--jobs", words.jobs, "N", "end after so many jobs instead (drain: 500k)");
  option("--warm-up", words.warm_up, "DURATION", "before it is measured (300ms; 0 with --jobs)");
  option("--rate", words.rate, "JOBS/S", "open loop: put at this constant rate");
  option("--queues", words.queues, "N", "spread over so many queues (1)");
  option("--queue", words.queue, "NAME", "work in this queue, which must be empty, instead of one of the run's own");
  option("--idle-connections", words.idle, "N", "further connections that are open and silent");
  option("--extra-queues", words.extra, "N", "further queues with one job each that nobody uses");
  option("--backlog", words.backlog, "N", "ready jobs of a worse priority that stay in the queues used");
  option("--repeat", words.repeat, "K", "runs, or pairs of runs with --against (1; 5 pairs); the median is said");
  option("--plot", words.plot, "FILE.svg", "draw how latency is distributed");
  app.add_flag("--json", into.json, "print one JSON object instead of a table");
  app.add_flag("--quiet", into.quiet, "no progress on standard error");
}

}  // namespace

std::variant<bench_options, early_exit> read_bench_arguments(const std::vector<std::string>& words) {
  CLI::App app{about, "millrace bench"};
  bench_options options;
  bench_words words_given;
  declare(app, words_given, options);
  if (const auto end = parse_command_line(app, words, "a second server is given with --against")) {
    const bool is_help = end->cause == command_line_end::reason::help;
    return early_exit{is_help ? exit_code::done : exit_code::bad_arguments, end->text};
  }
  if (const auto wrong = understand(words_given, options))
    return early_exit{exit_code::bad_arguments, refusal_text(app.get_name(), *wrong)};
  return options;
}

}  // namespace millrace::tools
