#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/exit_code.hpp"

namespace millrace::tools {

/// Whether `word` is a command to a daemon that runs: `status`, `queues`, ….
[[nodiscard]] bool is_control_command(std::string_view word);

/// Whether `word` is an option that each of these commands takes: `--control ADDRESS`, `--control=ADDRESS`, `--json`.
[[nodiscard]] bool is_option_of_control(std::string_view word);

/// Runs one such command with the words after it. Prints tables, or JSON with `--json`. `failed`: the daemon refused
/// it, or the answer is bad news (not ready, an action that did not end well). `no_connection`: no daemon answers.
/// Requires: `is_control_command(command)`.
exit_code control(const std::string& command, const std::vector<std::string>& words);

}  // namespace millrace::tools
