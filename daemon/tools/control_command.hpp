#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <millrace/base/result.hpp>

#include "tools/control_client.hpp"
#include "tools/exit_code.hpp"

namespace CLI {
class App;
}

/// What the commands to a running daemon share.
namespace millrace::tools {

/// The words of one command.
struct control_options {
  std::string address;
  bool json{false};
  std::string name;  ///< of the queue, or the id of the job or action
  std::string length;
  std::vector<std::string> states;
  bool body{false};
  bool no_wait{false};
  bool watch{false};
  // Of commands on many jobs.
  std::string older, reason, origin;
  std::string text;  ///< in the error or the body of a job; of `trace start` the size limit
  std::string to;
  std::uint64_t limit{0};  ///< 0: all
  double rate{0};          ///< 0: as fast as it goes
  std::uint64_t priority{0};
  bool dry_run{false};
  bool keep_counts{false};
};

/// One command: its words, and what it does.
struct control_command {
  const char* name;
  const char* about;
  void (*declare)(CLI::App& app, control_options& given);
  exit_code (*run)(const control_client& daemon, const control_options& given);
};

/// Those of job_commands.cpp.
[[nodiscard]] std::span<const control_command> job_commands() noexcept;
/// Those of trace_commands.cpp.
[[nodiscard]] std::span<const control_command> trace_commands() noexcept;

void add_queue_word(CLI::App& app, control_options& given);
void add_no_wait_flag(CLI::App& app, control_options& given);
[[nodiscard]] std::string path_of_queue(const control_options& given);

/// Prints the answer, with `--json` as it is, otherwise as the text that `write` makes of it, and returns `code`. If no
/// daemon answers or the daemon refuses the request, prints the error and returns another code.
exit_code show(const result<control_reply>& reply, const control_options& given,
               std::string (*write)(const boost::json::object&), exit_code code = exit_code::done);

/// Starts an action and waits for its end, unless `--no-wait` is given.
exit_code act(const control_client& daemon, const control_options& given, const std::string& path,
              const boost::json::object& body);

/// Prints all pages of a list as one answer with at most `most` entries of `member`. `target` is the first page. Each
/// further page is `next_target` with `&cursor=` and the cursor of the page before.
exit_code show_all(const control_client& daemon, const control_options& given, const std::string& target,
                   const std::string& next_target, const char* member, std::string (*write)(const boost::json::object&),
                   std::uint64_t most = UINT64_MAX);

}  // namespace millrace::tools
