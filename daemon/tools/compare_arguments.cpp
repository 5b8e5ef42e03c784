#include "tools/compare_arguments.hpp"

#include <CLI/CLI.hpp>

#include "base/command_line.hpp"

namespace millrace::tools {
namespace {

constexpr const char* about =
    "millrace compare: one workload in several modes, side by side.\n\n"
    "Each run is a process of its own, millraced with --until-idle. Runs alternate between the modes. The table shows\n"
    "the median, the least and the most of the wall time, and the medians of processor time, peak memory (at least\n"
    "that of millrace itself) and context switches. Of the last run it shows the times of jobs, and the lines in the\n"
    "order in which they came.";

constexpr const char* footer =
    "Modes are sequential, loop, threads, processes, and as-written for what the file says.\n"
    "--json prints one object: runs, and results, a list. Each result has workload, name, command, exit_status,\n"
    "lines (a list of seconds and text), wall_seconds, processor_seconds, peak_memory_bytes and context_switches\n"
    "(each with median, least, most), and for modes service_seconds and loop_lag_seconds (p50, p99).\n"
    "Exit codes: 0 done, 1 a program failed or a result cannot be written, 2 bad arguments, 3 a program could not be "
    "started or a temporary file not created.";

}  // namespace

std::variant<compare_options, early_exit> read_compare_arguments(const std::vector<std::string>& words) {
  CLI::App app{about, "millrace compare"};
  compare_options options;
  app.set_help_flag("-h,--help", "show this and exit");
  app.footer(footer);
  app.add_option("workload", options.workloads, "settings files")->type_name("FILE")->required();
  app.add_option("--modes", options.modes, "which modes, with commas between them (sequential,loop,threads,processes)")
      ->type_name("MODES")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"sequential", "loop", "threads", "processes", "as-written"}));
  app.add_option("--against", options.against,
                 "another program, run by a shell, with a row of its own; may be repeated")
      ->type_name("COMMAND")
      ->allow_extra_args(false);
  app.add_option("--runs", options.runs, "runs of each (1)")
      ->type_name("N")
      ->check(CLI::Range(std::uint32_t{1}, compare_runs_max));
  app.add_option("--plot", options.plot, "draw wall and processor time, and the jobs of each worker in one more run")
      ->type_name("FILE.svg");
  app.add_option("--daemon", options.daemon, "the program to run (millraced beside this program)")
      ->type_name("PROGRAM");
  app.add_flag("--json", options.json, "print one JSON object instead of a table");
  if (const auto end = parse_command_line(app, words, "a word without an option is a settings file")) {
    const bool is_help = end->cause == command_line_end::reason::help;
    return early_exit{is_help ? exit_code::done : exit_code::bad_arguments, end->text};
  }
  return options;
}

}  // namespace millrace::tools
