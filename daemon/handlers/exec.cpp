#include "handlers/exec.hpp"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <charconv>
#include <string_view>
#include <utility>

#include "handlers/quote.hpp"

namespace millrace::handlers {

namespace {

constexpr std::size_t output_most = std::size_t{1} << 30U;
constexpr std::uint64_t memory_least = std::uint64_t{1} << 20U;
constexpr std::uint64_t memory_most = std::uint64_t{1} << 50U;
constexpr duration kill_after_most = std::chrono::hours{1};
constexpr duration later_after_most = std::chrono::hours{24 * 3'650};

// The table of options passes values.
// NOLINTNEXTLINE(performance-unnecessary-value-param)
std::string write_item(job_template item) { return job_template::write(item); }
// NOLINTNEXTLINE(performance-unnecessary-value-param)
std::string write_variable(exec_variable variable) { return variable.name + '=' + job_template::write(variable.value); }

result<std::uint8_t> parse_status(std::string_view text) {
  std::uint8_t status = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), status);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size() || status == 0) {
    return invalid(quote(text) + " is no exit status of a failure");
  }
  return status;
}

}  // namespace

const options_of<exec_options>& exec_option_table() {
  using options = exec_options;
  static const auto table =
      options_of<options>{}
          .parsed_list<job_template>("command", &options::command,
                                     "The program and its arguments, each a text. A program without a slash is looked "
                                     "up in PATH.",
                                     job_template::parse, write_item, "a list of texts with placeholders")
          .required()
          .example("[sha256sum, -]")
          .flag("shell", &options::shell,
                "The first item of the command is a script for sh, which sees the others as $1, $2 and so on.")
          .parsed_list<exec_variable>("environment", &options::environment,
                                      "Variables in addition to those of the daemon.", exec_variable::parse,
                                      write_variable, "a list of NAME=text, with placeholders")
          .example("[\"ATTEMPT=${attempt}\"]")
          .text("directory", &options::directory,
                "Where the command starts, from the folder of this file; left out: where the daemon does.", {},
                "a directory")
          .example("/tmp")
          .size("output_max", &options::output_max, {.most = output_most},
                "Bytes of output, without the newline at the end; a command that writes more fails.")
          .duration("cpu_max", &options::cpu_max, {.least = milliseconds{1}, .most = later_after_most},
                    "Processor time of a command with its process group; left out: no limit.")
          .example("30s")
          .size("memory_max", &options::memory_max, {.least = memory_least, .most = memory_most},
                "Memory of a command and what it has started; one that needs more is killed; left out: no limit.")
          .example("256MiB")
          .duration("kill_after", &options::kill_after, {.most = kill_after_most},
                    "Between SIGTERM and SIGKILL for a command that is late, cancelled or beyond a limit.")
          .duration("later_after", &options::later_after, {.most = later_after_most},
                    "The wait before a job whose command ended with exit status 75 comes again.")
          .parsed_list<std::uint8_t>(
              "final_statuses", &options::final_statuses, "Exit statuses after which another attempt is useless.",
              parse_status, [](std::uint8_t status) { return std::to_string(status); },
              "a list of exit statuses from 1 to 255")
          .example("[64, 65]");
  return table;
}

std::optional<option_problem> exec::find_problem(const exec_options& options) {
  if (options.shell && !options.command.empty() && !options.command.front().is_constant()) {
    // The text of a job would be run as code.
    return option_problem{"command", "a script for the shell cannot contain placeholders",
                          "\"$1\" in the script, and the placeholder as the next item"};
  }
  return std::nullopt;
}

exec::exec(const exec_options& options, const handler_context& context)
    : options_{options}, loop_{context.loop}, children_{*context.children}, inherited_{loop::inherited_environment()} {}

loop::awaitable<answer> exec::handle(job work) {
  auto command = command_for(work);
  if (!command) co_return command.error();
  auto starting = children_.start(std::move(*command));
  auto child = co_await std::move(starting);
  if (!child) {
    // Arguments that are too long or no texts of the system are so in another attempt, too.
    const errc code = child.error().code;
    const bool useless = code == errc::out_of_range || code == errc::invalid;
    co_return useless ? rejected(child.error().text) : child.error();
  }
  auto running = run_command(loop_, children_.limits(), *child, work.content,
                             {options_.output_max, {options_.cpu_max, options_.memory_max}, options_.kill_after});
  auto ended = co_await std::move(running);
  // The consumer says why it was cancelled: too late, withdrawn, or a drain.
  if (ended.cancelled) throw boost::system::system_error{boost::asio::error::operation_aborted};
  co_return answer_for(std::move(ended));
}

result<loop::child_command> exec::command_for(const job& work) const {
  loop::child_command command;
  if (options_.shell) command.arguments = {"sh", "-c"};
  for (const job_template& item : options_.command) {
    auto filled = item.fill(work);
    if (!filled) return filled.error();
    command.arguments.push_back(std::move(*filled));
    // sh takes the first argument behind the script for its own name.
    if (options_.shell && command.arguments.size() == 3) command.arguments.emplace_back("sh");
  }
  command.environment = inherited_;
  for (const exec_variable& variable : options_.environment) {
    auto filled = variable.value.fill(work);
    if (!filled) return filled.error();
    std::string prefix = variable.name + '=';
    std::erase_if(command.environment, [&](const std::string& known) { return known.starts_with(prefix); });
    command.environment.push_back(std::move(prefix) + *filled);
  }
  if (options_.directory) command.directory = *options_.directory;
  command.memory_max = options_.memory_max;
  return command;
}

answer exec::answer_for(exec_end&& ended) const {
  if (ended.failure) return std::move(*ended.failure);
  if (ended.over_limit) return answer::over_limit(std::move(*ended.over_limit));
  const loop::child_exit& exit = ended.exit;
  if (!exit.by_signal() && exit.status == 0) {
    if (ended.output.ends_with('\n')) ended.output.pop_back();
    return answer{std::move(ended.output)};
  }
  const std::string errors = ended.errors.one_line();
  error failure{errc::io, text_of(exit) + (errors.empty() ? "" : ": " + errors)};
  if (exit.by_signal()) return failure;
  if (std::ranges::find(options_.final_statuses, exit.status) != options_.final_statuses.end()) {
    return rejected(std::move(failure.text));
  }
  if (exit.status == later_status) return answer::later(options_.later_after);
  return failure;
}

}  // namespace millrace::handlers
