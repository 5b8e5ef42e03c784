#include "tools/trace.hpp"

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>

#include <CLI/CLI.hpp>

#include "base/command_line.hpp"
#include "tools/control.hpp"
#include "tools/trace_chart.hpp"
#include "tools/trace_rows.hpp"
#include "tools/verb_first.hpp"

namespace millrace::tools {

namespace {

constexpr const char* about =
    "millrace trace FILE: what millraced --trace FILE has recorded, as a table or a drawing.\n"
    "millrace trace start FILE, millrace trace stop: begins and ends a trace of a daemon that runs.\n"
    "millrace trace: the trace of the daemon.\n\n"
    "Perfetto (https://ui.perfetto.dev) and chrome://tracing open the file, too, and show more of it: what every task\n"
    "waited for, and the states of each job.";

exit_code fail(exit_code code, const std::string& reason) {
  std::fprintf(stderr, "millrace trace: %s\n", reason.c_str());
  return code;
}

struct options {
  std::string file, plot, title;
};

std::optional<early_exit> read_words(const std::vector<std::string>& words, options& given) {
  CLI::App app{about, "millrace trace"};
  app.set_help_flag("-h,--help", "show this and exit");
  app.footer("Exit codes: 0 done, 1 the file cannot be read or written, 2 bad arguments.");
  app.add_option("file", given.file, "a trace; ./start where its name is that of a command")
      ->type_name("FILE")
      ->required();
  app.add_option("--plot", given.plot, "draw it")->type_name("FILE.svg");
  app.add_option("--title", given.title, "the title of the drawing (default: the name of the file)")->type_name("TEXT");
  const auto end = parse_command_line(app, words, "a word without an option is the file");
  if (!end) return std::nullopt;
  const bool is_help = end->cause == command_line_end::reason::help;
  return early_exit{is_help ? exit_code::done : exit_code::bad_arguments, end->text};
}

exit_code show(const options& given) {
  std::ifstream file{given.file, std::ios::binary};
  if (!file) return fail(exit_code::failed, given.file + " cannot be read");
  const auto read = read_trace(file);
  if (!read) return fail(exit_code::failed, given.file + ": " + read.error().text);
  if (given.plot.empty()) {
    const bool is_printed = std::fputs(trace_table(*read).c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
    return is_printed ? exit_code::done : fail(exit_code::failed, "standard output cannot be written");
  }
  const auto title = given.title.empty() ? std::filesystem::path{given.file}.filename().string() : given.title;
  std::ofstream drawing{given.plot, std::ios::binary};
  drawing << trace_chart(*read, title);
  drawing.close();
  return drawing ? exit_code::done : fail(exit_code::failed, given.plot + " cannot be written");
}

}  // namespace

exit_code trace(const std::vector<std::string>& words) {
  constexpr std::array<std::string_view, 4> valued{"--control", "--limit", "--plot", "--title"};
  const auto ordered = verb_first(words, valued);
  const bool has_word = !ordered.empty() && !is_option_of_control(ordered.front());
  const auto command = "trace " + (has_word ? ordered.front() : std::string{"state"});
  if (is_control_command(command)) return control(command, {ordered.begin() + (has_word ? 1 : 0), ordered.end()});
  options given;
  if (const auto end = read_words(ordered, given)) {
    std::fputs(end->text.c_str(), end->code == exit_code::done ? stdout : stderr);
    return end->code;
  }
  return show(given);
}

}  // namespace millrace::tools
