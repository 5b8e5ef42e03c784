#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <exception>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/command_line.hpp"
#include "base/system_message.hpp"
#include "tools/bench.hpp"
#include "tools/compare.hpp"
#include "tools/control.hpp"
#include "tools/data.hpp"
#include "tools/exit_code.hpp"
#include "tools/trace.hpp"
#include "tools/verb_first.hpp"

namespace millrace::tools {
namespace {

constexpr const char* usage =
    "millrace TOOL [WORDS OF THE TOOL]: a client's tools for work queues.\n\n"
    "  bench    put a load on any server of the beanstalk protocol, and say how fast it answers\n"
    "  compare  run a workload in several modes, side by side\n"
    "  trace    show what millraced --trace has recorded; start and stop it\n"
    "  fsck     check every record of a data directory\n"
    "  dump     print a data directory as JSON Lines\n"
    "  restore  make a data directory of such lines from standard input\n"
    "  import   make a data directory of a beanstalkd log directory\n\n"
    "Of a daemon that runs, over its control socket (--control ADDRESS, before or after the tool):\n"
    "  status   whether it is ready, its listeners, its store, its jobs\n"
    "  queues   jobs, age and rates of each queue\n"
    "  queue    one queue\n"
    "  job      one job, its history and its holder\n"
    "  group    how many jobs of a group have ended\n"
    "  tasks    the tasks of its loop\n"
    "  pause    hand out no job of a queue\n"
    "  resume   end the pause\n"
    "  jobs     list or find the jobs of a queue in one state\n"
    "  cancel   end one job, whatever its state\n"
    "  redrive  bring dead letters back to the queues they came from\n"
    "  kick     make buried or delayed jobs ready\n"
    "  purge    delete the jobs of a queue that are in some states\n"
    "  move-jobs     move jobs into another queue\n"
    "  cancel-jobs   end jobs as cancelled\n"
    "  delete-jobs   delete jobs\n"
    "  set-priority  give jobs another priority\n"
    "  backup   copy the data into a new directory\n"
    "  actions  the bulk changes and backups\n"
    "  stop     end one of them\n"
    "  reload   read the settings again\n\n"
    "millrace TOOL --help says more; millrace --version prints the version.\n";

/// Prints the names of the tools and what they do, as `option_list` does: they are the indented lines of `usage`.
void print_tools() {
  std::string_view lines{usage};
  while (!lines.empty()) {
    const auto line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    if (!line.starts_with("  ")) continue;
    const auto name = line.substr(2, line.find(' ', 2) - 2);
    const auto meaning = line.find_first_not_of(' ', 2 + name.size());
    if (meaning == std::string_view::npos) continue;
    std::printf("%s - %s\n", std::string{name}.c_str(), std::string{line.substr(meaning)}.c_str());
  }
}

/// Runs the tool that the first word names.
exit_code run(std::vector<std::string> words) {
  constexpr std::array<std::string_view, 1> valued{"--control"};
  if (!words.empty() && is_option_of_control(words.front())) words = verb_first(std::move(words), valued);
  // A server that goes away is an error of one write, not the end of the program.
  std::signal(SIGPIPE, SIG_IGN);
  const std::string tool = words.empty() ? "" : words.front();
  const std::vector<std::string> rest{words.begin() + (words.empty() ? 0 : 1), words.end()};
  if (tool == "bench") return bench(rest);
  if (tool == "compare") return compare(rest);
  if (tool == "fsck") return fsck(rest);
  if (tool == "dump") return dump(rest);
  if (tool == "restore") return restore(rest);
  if (tool == "import") return import(rest);
  if (tool == "trace") return trace(rest);
  if (is_control_command(tool)) return control(tool, rest);
  if (tool == "--version" || tool == "-v") {
    std::puts("millrace " MILLRACE_VERSION);
    return exit_code::done;
  }
  if (tool == list_options) {
    print_tools();
    return exit_code::done;
  }
  if (tool == "--help" || tool == "-h") {
    std::fputs(usage, stdout);
    return exit_code::done;
  }
  if (!tool.empty()) std::fprintf(stderr, "millrace: there is no tool '%s'\n", tool.c_str());
  std::fputs(usage, stderr);
  return exit_code::bad_arguments;
}

}  // namespace
}  // namespace millrace::tools

int main(int count, char** words) {
  try {
    return static_cast<int>(millrace::tools::run({std::next(words), std::next(words, count)}));
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "millrace: %s\n", millrace::message_of(failure).c_str());
    return static_cast<int>(millrace::tools::exit_code::out_of_resources);
  }
}
