#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <millrace/base/time.hpp>
#include <millrace/handlers/handler.hpp>
#include <millrace/handlers/job_template.hpp>
#include <millrace/handlers/registry.hpp>
#include <millrace/handlers/slow_cancellation.hpp>

#include "handlers/exec_command.hpp"
#include "loop/child_launcher.hpp"

namespace millrace::handlers {

struct exec_options {
  std::vector<job_template> command;
  bool shell{false};
  std::vector<exec_variable> environment;
  std::optional<std::string> directory;
  std::size_t output_max{std::size_t{1024} * 1024};
  std::optional<duration> cpu_max;
  std::optional<std::uint64_t> memory_max;
  duration kill_after{std::chrono::seconds{3}};
  duration later_after{std::chrono::minutes{1}};
  std::vector<std::uint8_t> final_statuses;
};
[[nodiscard]] const options_of<exec_options>& exec_option_table();

/// Runs a command for each job. The body is its standard input, and its standard output is the result, without the
/// newline at the end. Exit status 0: done; one of `final_statuses`: failed for good; 75 (EX_TEMPFAIL): later, after
/// `later_after`; another one, or a signal: failed, with the end of its standard error as the error.
///
/// A command that is cancelled, is late or exceeds a limit gets SIGTERM with its whole process group, and SIGKILL after
/// `kill_after`. A command that exceeds `memory_max` is killed at once. The job ends when the command is reaped. What
/// happened first decides the answer. A program that does not read the body is no failure. Loop thread only.
class exec : public waiting_handler, public slow_cancellation {
 public:
  /// The exit status that asks for the job again later: EX_TEMPFAIL of sysexits.h.
  static constexpr int later_status = 75;

  exec(const exec_options& options, const handler_context& context);
  loop::awaitable<answer> handle(job work) override;
  [[nodiscard]] bool uses_processes() const noexcept override { return true; }
  [[nodiscard]] duration cancellation_length() const noexcept override { return options_.kill_after; }

  /// Rules about several options together.
  [[nodiscard]] static std::optional<option_problem> find_problem(const exec_options& options);

 private:
  [[nodiscard]] result<loop::child_command> command_for(const job& work) const;
  [[nodiscard]] answer answer_for(exec_end&& ended) const;

  exec_options options_;
  loop::event_loop& loop_;
  loop::child_launcher& children_;
  std::vector<std::string> inherited_;  ///< the environment of the daemon
};

}  // namespace millrace::handlers
