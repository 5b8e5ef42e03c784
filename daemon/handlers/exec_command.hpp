#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include <millrace/base/body.hpp>
#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/handlers/job_template.hpp>
#include <millrace/loop/event_loop.hpp>

#include "loop/child_process.hpp"
#include "loop/error_tail.hpp"
#include "loop/group_watch.hpp"

namespace millrace::handlers {

/// What one command may use, and how it is ended.
struct exec_limits {
  std::size_t output_max{0};
  loop::group_limits usage;
  duration kill_after{0};
};

/// A variable of the environment: NAME, and a text for its value.
struct exec_variable {
  /// An error says what is wrong with the name or the text.
  [[nodiscard]] static result<exec_variable> parse(std::string_view text);

  std::string name;
  job_template value;
};

/// Of the standard error of a command. The engine keeps 1 KiB of an error, which begins with the exit status.
inline constexpr std::size_t error_tail_bytes_max = 900;

/// How a command ended.
struct exec_end {
  loop::child_exit exit;
  std::string output;  ///< at most `output_max` and one byte more, the newline at the end
  loop::error_tail errors{error_tail_bytes_max};
  std::optional<std::string> over_limit;  ///< it exceeded a limit, with the figure and the process
  std::optional<error> failure;           ///< its limits could not be watched, so it was ended
  bool cancelled{false};                  ///< it was ended because the task was cancelled
};

/// Feeds `input` to the command and reads its output and error until it has ended. Ends it when the task is cancelled
/// or a limit is exceeded; returns in these cases, too. What comes first decides. The cancellation state of the task
/// is left as it is, so that its next await throws.
loop::awaitable<exec_end> run_command(loop::event_loop& loop, loop::group_watch& watch, loop::child_process& child,
                                      body input, exec_limits limits);

}  // namespace millrace::handlers
