#include "handlers/worker.hpp"

#include <utility>

#include <millrace/base/quantity.hpp>

#include "handlers/quote.hpp"
#include "handlers/worker_answer.hpp"

namespace millrace::handlers {

namespace {

constexpr std::uint32_t workers_max = 256;
constexpr std::uint32_t in_flight_max = 1'000;
constexpr std::size_t output_least = 1'024;
constexpr std::size_t output_most = std::size_t{1} << 30U;
constexpr std::uint64_t memory_least = std::uint64_t{1} << 20U;
constexpr std::uint64_t memory_most = std::uint64_t{1} << 50U;
constexpr duration kill_after_most = std::chrono::hours{1};
constexpr duration cpu_most = std::chrono::hours{24 * 3'650};

result<> check_item(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return invalid("it has a NUL byte");
  return {};
}

result<> check_variable(std::string_view text) {
  const auto name = text.substr(0, text.find('='));
  if (name.empty() || name.size() == text.size()) return invalid(quote(text) + " is no NAME=text");
  return check_item(text);
}

offload::worker_settings settings_of(const worker_options& options) {
  offload::worker_settings settings;
  settings.command.arguments = options.command;
  settings.command.environment = loop::inherited_environment();
  for (const std::string& variable : options.environment) {
    const auto prefix = variable.substr(0, variable.find('=') + 1);
    std::erase_if(settings.command.environment, [&](const std::string& known) { return known.starts_with(prefix); });
    settings.command.environment.push_back(variable);
  }
  settings.command.directory = options.directory.value_or("");
  settings.workers = options.workers;
  settings.in_flight = options.in_flight;
  settings.output_max = options.output_max;
  settings.kill_after = options.kill_after;
  settings.memory_max = options.memory_max;
  settings.cpu_max = options.cpu_max;
  if (options.recycle_after) {
    settings.recycle_after_jobs = options.recycle_after->jobs;
    settings.recycle_after = options.recycle_after->length;
  }
  return settings;
}

}  // namespace

result<recycle_rule> recycle_rule::parse(std::string_view text) {
  if (const auto jobs = parse_count(text)) {
    if (*jobs == 0) return invalid("0 jobs are too few");
    return recycle_rule{.jobs = *jobs};
  }
  const auto length = parse_duration(text);
  if (!length) return invalid(quote(text) + " is neither a count nor a duration");
  if (*length < seconds{1}) return invalid(quote(text) + " is less than 1s");
  return recycle_rule{.length = *length};
}

std::string recycle_rule::write(const recycle_rule& rule) {
  return rule.jobs ? write_count(*rule.jobs) : write_duration(rule.length.value_or(duration{0}));
}

const options_of<worker_options>& worker_option_table() {
  using options = worker_options;
  static const auto table =
      options_of<options>{}
          .text_list("command", &options::command,
                     "The program and its arguments, each a text. A program without a slash is looked up in PATH.",
                     check_item, "a list of texts")
          .required()
          .example("[python3, resize.py]")
          .text_list("environment", &options::environment, "Variables in addition to those of the daemon.",
                     check_variable, "a list of NAME=text")
          .example("[LOG_LEVEL=info]")
          .text("directory", &options::directory,
                "Where the workers start, from the folder of this file; left out: where the daemon does.", {},
                "a directory")
          .example("/tmp")
          .count("workers", &options::workers, {.least = 1, .most = workers_max}, "Processes that run.")
          .count("in_flight", &options::in_flight, {.least = 1, .most = in_flight_max},
                 "Jobs that one process has at one time; concurrency should be workers times in_flight.")
          .size("output_max", &options::output_max, {.least = output_least, .most = output_most},
                "Bytes of a line that a process may write; a longer one fails its job and ends the process.")
          .duration("kill_after", &options::kill_after, {.least = milliseconds{1}, .most = kill_after_most},
                    "How long a process has to end: after the end of its input before SIGTERM, after SIGTERM before "
                    "SIGKILL; and to answer for a job that was cancelled or is late, if it has several.")
          .parsed("recycle_after", &options::recycle_after,
                  "A process is replaced after so many jobs, or that long; left out: never.", recycle_rule::parse,
                  recycle_rule::write, std::string{recycle_rule::expected})
          .example("10k")
          .size("memory_max", &options::memory_max, {.least = memory_least, .most = memory_most},
                "Memory of a process and what it has started; one that needs more is killed, and its job fails; left "
                "out: no limit.")
          .example("256MiB")
          .duration("cpu_max", &options::cpu_max, {.least = milliseconds{1}, .most = cpu_most},
                    "Processor time of a process with its group while it has a job; beyond it the process is ended, "
                    "and the job fails; left out: no limit.")
          .example("30s");
  return table;
}

worker::worker(const worker_options& options, const handler_context& context)
    : pool_{context.workers->make_pool(settings_of(options))} {}

worker::~worker() { pool_->close(); }

loop::awaitable<answer> worker::handle(job work) {
  auto running = pool_->run({work.id, work.queue, work.attempt, std::move(work.content)});
  auto said = co_await std::move(running);
  co_return answer_of(std::move(said));
}

}  // namespace millrace::handlers
