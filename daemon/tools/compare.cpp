#include "tools/compare.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include "base/system_message.hpp"
#include "tools/compare_arguments.hpp"
#include "tools/compare_chart.hpp"
#include "tools/compare_report.hpp"
#include "tools/program_run.hpp"

namespace millrace::tools {
namespace {

namespace fs = std::filesystem;

/// Exit status of millraced with --until-idle: no more work is possible, but some jobs failed or were not done.
constexpr int not_all_done = 4;

std::string daemon_beside_this_program() {
  std::error_code failed;
  const auto self = fs::read_symlink("/proc/self/exe", failed);
  const auto beside = self.parent_path() / "millraced";
  return !failed && fs::exists(beside, failed) ? beside.string() : "millraced";
}

std::vector<contestant> contestants_of(const compare_options& options) {
  const std::string daemon = options.daemon.empty() ? daemon_beside_this_program() : options.daemon;
  std::vector<contestant> all;
  for (const auto& workload : options.workloads) {
    for (const auto& mode : options.modes) {
      contestant one{.workload = fs::path{workload}.stem().string(), .name = mode};
      one.command = {daemon, "--config", workload, "--until-idle", "--summary", "json", "--log-level", "error"};
      if (mode != "as-written") one.command.insert(one.command.end(), {"--mode", mode});
      all.push_back(std::move(one));
    }
  }
  for (const auto& command : options.against) all.push_back({.name = command, .command = {"sh", "-c", command}});
  return all;
}

exit_code fail(exit_code code, const std::string& text) {
  std::fprintf(stderr, "millrace compare: %s\n", text.c_str());
  return code;
}

bool has_failed(const contestant& one, const program_run& run) {
  return run.status != 0 && !(one.is_mode() && run.status == not_all_done);
}

/// Runs each contestant `runs` times. Any code but `done` has been explained on standard error.
exit_code run_all(std::vector<contestant>& all, std::uint32_t runs) {
  const bool shows_progress = ::isatty(STDERR_FILENO) == 1;
  for (std::uint32_t at = 0; at < runs; ++at) {
    for (std::size_t turn = 0; turn < all.size(); ++turn) {
      auto& one = all[(at + turn) % all.size()];
      if (shows_progress)
        std::fprintf(stderr, "run %u of %u: %s %s\n", at + 1, runs, one.workload.c_str(), one.name.c_str());
      auto run = run_program(one.command);
      if (!run) return fail(exit_code::out_of_resources, run.error().text);
      if (has_failed(one, *run)) {
        return fail(exit_code::failed, one.workload + " " + one.name + " ended with status " +
                                           std::to_string(run->status) + "\n" + run->error_output);
      }
      one.runs.push_back(std::move(*run));
    }
  }
  return exit_code::done;
}

/// A file that only this process uses; removed at the end.
class temporary_file {
 public:
  temporary_file() : path_{(fs::temp_directory_path() / "millrace-trace-XXXXXX").string()} {
    const int made = ::mkstemp(path_.data());
    error_number_ = made < 0 ? errno : 0;
    if (made >= 0) ::close(made);
  }
  ~temporary_file() {
    std::error_code ignored;
    if (error_number_ == 0) fs::remove(path_, ignored);
  }
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] int error_number() const noexcept { return error_number_; }  ///< 0: it was created

 private:
  std::string path_;
  int error_number_{0};
};

/// One more run of each mode, for the drawing: the measured runs do not pay for the trace.
exit_code trace_all(std::vector<contestant>& all) {
  for (auto& one : all) {
    if (!one.is_mode()) continue;
    const temporary_file file;
    if (file.error_number() != 0)
      return fail(exit_code::out_of_resources, file.path() + ": " + system_message(file.error_number()));
    auto command = one.command;
    command.insert(command.end(), {"--trace", file.path()});
    const auto run = run_program(command);
    if (!run) return fail(exit_code::out_of_resources, run.error().text);
    if (has_failed(one, *run)) {
      return fail(exit_code::failed, one.workload + " " + one.name + " with --trace ended with status " +
                                         std::to_string(run->status) + "\n" + run->error_output);
    }
    std::ifstream written{file.path(), std::ios::binary};
    auto trace = read_trace(written);
    if (!trace) return fail(exit_code::failed, file.path() + ": " + trace.error().text);
    one.trace = std::move(*trace);
  }
  return exit_code::done;
}

}  // namespace

exit_code compare(const std::vector<std::string>& words) {
  const auto read = read_compare_arguments(words);
  if (const auto* const end = std::get_if<early_exit>(&read)) {
    std::fputs(end->text.c_str(), end->code == exit_code::done ? stdout : stderr);
    return end->code;
  }
  const auto& options = std::get<compare_options>(read);
  auto all = contestants_of(options);
  if (const auto code = run_all(all, options.runs); code != exit_code::done) return code;
  for (auto& one : all)
    if (one.is_mode()) read_summary(one);
  const auto text = options.json ? comparison_json(all, options.runs) : comparison_table(all);
  if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0)
    return fail(exit_code::failed, "standard output cannot be written");
  if (options.plot.empty()) return exit_code::done;
  if (const auto code = trace_all(all); code != exit_code::done) return code;
  std::ofstream file{options.plot, std::ios::binary};
  file << comparison_chart(all);
  file.close();
  return file ? exit_code::done : fail(exit_code::failed, options.plot + " cannot be written");
}

}  // namespace millrace::tools
