#include <millrace/service/run.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <exception>
#include <optional>
#include <utility>

#include "base/log.hpp"
#include "base/system_message.hpp"
#include "handlers/catalogue.hpp"
#include "handlers/computing_process.hpp"
#include "handlers/write_all.hpp"
#include "loop/child_guard.hpp"
#include "service/arguments.hpp"
#include "service/daemon.hpp"
#include "service/endless_producer.hpp"
#include "service/forced_exit.hpp"
#include "service/lifecycle.hpp"
#include "service/listening_sockets.hpp"
#include "service/log_sinks.hpp"
#include "service/one_shot_tasks.hpp"
#include "service/privileges.hpp"
#include "service/relative_paths.hpp"
#include "service/socket_activation.hpp"
#include "service/standard_error.hpp"
#include "sources/catalogue.hpp"

namespace millrace::service {
namespace {

/// The longest wait for the log to be written when the program ends. No wait if standard error is blocked.
constexpr duration log_timeout = seconds{2};

/// With more jobs left in memory than this, the process exits without freeing them one by one.
constexpr std::size_t freed_jobs_max = 100'000;

/// Reserves the descriptor of each standard stream that is closed. Otherwise the next file would get its number, and
/// output and log records would be written into that file. The reserved descriptor fails in the direction in which
/// the stream is used, so the stream still appears closed.
void reserve_closed_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) >= 0) continue;
    // All lower numbers are in use, so `open` returns this one.
    [[maybe_unused]] const int reserved = ::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

/// Does not wait for a standard error that is blocked.
void stop_log(log_format format) {
  const bool blocked = effective_format(format) != log_format::journald && standard_error_is_blocked();
  log::stop(blocked ? duration::zero() : log_timeout);
}

void write_summary(const std::string& summary, const arguments& arguments) {
  if (summary.empty()) return;
  if (arguments.summary == summary_format::json || effective_format(arguments.format) != log_format::json) {
    stop_log(arguments.format);
    write_to_standard_error(summary);
  } else {
    // The log is JSON, one object a line: a page of text would break its reader.
    log::info("summary", std::string_view{summary}.substr(0, summary.find_last_not_of('\n') + 1));
  }
}

/// Reads the settings from the file, or makes them from the options of beanstalkd if no file is given.
settings::loaded read_settings(const arguments& arguments, const settings::vocabulary& vocabulary) {
  if (!arguments.config.empty()) return settings::load_file(arguments.config, vocabulary);
  settings::loaded read;
  if (auto made = settings_of(arguments.beanstalkd)) {
    read.value = std::move(*made);
  } else {
    write_to_standard_error("millraced: " + made.error().text + '\n');
  }
  return read;
}

/// Raises the limit of open files to its maximum, since each connection is one. The usual limit of 1,024 exists for
/// programs that use select.
void raise_file_limit() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

/// Blocks signals until the lifecycle handles them, so that a signal during the start is not lost. Until then SIGINT
/// (Ctrl-C) is not blocked and ends the process at once.
class blocked_signals {
 public:
  blocked_signals() {
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int number : {SIGTERM, SIGHUP, SIGUSR1}) ::sigaddset(&signals, number);
    ::pthread_sigmask(SIG_BLOCK, &signals, &before_);
  }
  ~blocked_signals() { unblock(); }
  blocked_signals(const blocked_signals&) = delete;
  blocked_signals& operator=(const blocked_signals&) = delete;

  void unblock() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

/// Binds the addresses. With `user`, then creates `data_dir` and gives up root: later files are not opened as root.
result<listening_sockets> bind_and_drop_root(const settings::daemon_options& options, passed_sockets& passed,
                                             const std::optional<user_identity>& user, default_http http) {
  if (!user) return bind_sockets(options, passed, http);
  auto rights = privileges::give_up_groups(*user);
  if (!rights) return rights.error();
  auto bound = bind_sockets(options, passed, http, *rights);
  if (!bound) return bound;
  if (options.data_dir) {
    if (const auto made = rights->make_directory(*options.data_dir); !made) return made.error();
  }
  if (const auto given_up = rights->give_up_root(); !given_up) return given_up.error();
  return bound;
}

exit_code could_not_start(const std::string& reason) {
  log::error("could_not_start", reason);
  return exit_code::could_not_start;
}

/// Before the loop runs, so that the trace has everything.
result<> begin_trace(daemon& the_daemon, const arguments& arguments) {
  if (arguments.trace.empty()) return {};
  return the_daemon.trace().begin_now(
      {.path = arguments.trace, .bytes_max = arguments.trace_bytes_max.value_or(loop::trace_recorder::file_bytes_max)});
}

exit_code make_and_run(settings::settings settings, const arguments& arguments, const settings::vocabulary& vocabulary,
                       const std::optional<user_identity>& user, passed_sockets& passed, blocked_signals& signals) {
  try {
    const auto http = arguments.until_idle ? default_http::optional : default_http::required;
    auto bound = bind_and_drop_root(settings.daemon, passed, user, http);
    if (!bound) return could_not_start(bound.error().text);
    const reload_options reloading{arguments.config.empty() ? nullptr : &vocabulary, arguments.level_min,
                                   arguments.until_idle && !arguments.limit};
    auto the_daemon =
        daemon::make(std::move(settings), {arguments.mode, arguments.limit}, std::move(*bound), reloading);
    if (!the_daemon && the_daemon.error().code == errc::cancelled) {
      // SIGTERM stopped the migration and is still pending. When `signals` unblocks it, it would end the process before
      // the log is written.
      std::signal(SIGTERM, SIG_IGN);
      log::info("stopped", "stopped while migrating: the data on disk are unchanged");
      return exit_code::done;
    }
    if (!the_daemon) return could_not_start(the_daemon.error().text);
    if (const auto begun = begin_trace(**the_daemon, arguments); !begun) {
      return could_not_start("--trace: " + begun.error().text);
    }
    lifecycle life{**the_daemon, arguments};
    signals.unblock();
    const auto code = life.run();
    write_summary(life.summary(), arguments);
    // Everything is closed. Freeing millions of jobs one by one would take too long.
    if ((*the_daemon)->broker().engine().job_count() > freed_jobs_max) {
      stop_log(arguments.format);
      exit_without_closing(code);
    }
    return code;
  } catch (const std::exception& failure) {
    return could_not_start(message_of(failure));
  }
}

exit_code run_daemon(const arguments& arguments, const settings::vocabulary& vocabulary,
                     result<passed_sockets>& passed) {
  blocked_signals signals;
  auto read = read_settings(arguments, vocabulary);
  if (!read.value) {
    write_to_standard_error(text_of(read.diagnostics));
    return exit_code::bad_settings;
  }
  std::optional<user_identity> user;
  if (arguments.beanstalkd.user) {
    auto found = find_user(*arguments.beanstalkd.user);
    if (!found) {
      write_to_standard_error("millraced: " + found.error().text + '\n');
      return exit_code::bad_settings;
    }
    user = std::move(*found);
  }
  raise_file_limit();
  resolve_relative_paths(*read.value);
  if (arguments.until_idle && !arguments.limit) {
    if (const auto endless = find_endless_producer(*read.value); !endless.empty()) {
      write_to_standard_error(
          "millraced: producers." + endless +
          " never ends, so --until-idle would not end: set its `limit` or `for`, or add --limit N\n");
      return exit_code::bad_settings;
    }
  }
  auto log_options = read.value->daemon.log;
  log_options.least = arguments.level_min.value_or(log_options.least);
  log::start(log_sink(arguments.format), std::move(log_options));
  for (const auto& diagnostic : read.diagnostics) log::warning("settings", diagnostic.text());
  if (arguments.beanstalkd.log_bytes) log::warning("settings", "-s is ignored: the size on disk depends on the jobs");
  const auto code = passed ? make_and_run(std::move(*read.value), arguments, vocabulary, user, *passed, signals)
                           : could_not_start(passed.error().text);
  stop_log(arguments.format);
  return code;
}

/// The kinds of handlers and sources that the program has.
struct kinds {
  handlers::registry handlers;
  sources::registry sources;
};
kinds all_kinds(const registrar& add_kinds) {
  kinds all;
  handlers::add_all(all.handlers);
  sources::add_all(all.sources);
  if (add_kinds) add_kinds(all.handlers, all.sources);
  return all;
}

exit_code run_program(const std::vector<std::string>& words, const registrar& add_kinds) {
  set_uncaught_exit_code(exit_code::could_not_start);
  reserve_closed_streams();
  // A write to a closed pipe or socket must be an error and not end the daemon.
  std::signal(SIGPIPE, SIG_IGN);
  // A write beyond the limit of a file's size (LimitFSIZE= of systemd) must be an error, too.
  std::signal(SIGXFSZ, SIG_IGN);
  auto passed = passed_sockets::take();
  const bool some_passed = !passed || !passed->empty();
  const auto read = read_arguments(words, some_passed ? listener_source::passed : listener_source::settings);
  if (const auto* early = std::get_if<early_exit>(&read)) {
    if (early->code == exit_code::done)
      static_cast<void>(handlers::write_all(STDOUT_FILENO, early->text));
    else
      write_to_standard_error(early->text);
    return early->code;
  }
  const auto known = all_kinds(add_kinds);
  const settings::vocabulary vocabulary{known.handlers, known.sources};
  const auto& given = std::get<arguments>(read);
  return given.task == task::run ? run_daemon(given, vocabulary, passed) : run_one_shot_task(given, vocabulary);
}

}  // namespace
}  // namespace millrace::service

int millrace::run(int argc, char** argv, const registrar& add_kinds) {
  if (argc == 2 && argv[1] == loop::child_guard_argument) return loop::run_child_guard(STDIN_FILENO);
  try {
    if (argc == 2 && argv[1] == handlers::computing_process_argument)
      return handlers::run_computing_process(service::all_kinds(add_kinds).handlers);
    return static_cast<int>(service::run_program({argv + std::min(argc, 1), argv + argc}, add_kinds));
  } catch (const std::exception& failure) {
    // Failures of the daemon are reported by `make_and_run`. This one is of the arguments, the settings, a task such as
    // --check, or a computing process.
    service::write_to_standard_error("millraced: " + message_of(failure) + '\n');
    return static_cast<int>(service::exit_code::could_not_start);
  }
}
