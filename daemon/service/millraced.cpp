#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <iterator>
#include <optional>
#include <utility>

#include "base/log.hpp"
#include "base/system_message.hpp"
#include "handlers/catalogue.hpp"
#include "service/arguments.hpp"
#include "service/daemon.hpp"
#include "service/doors.hpp"
#include "service/errands.hpp"
#include "service/last_resort.hpp"
#include "service/lifecycle.hpp"
#include "service/log_sinks.hpp"
#include "service/privileges.hpp"
#include "service/relative_paths.hpp"
#include "service/standard_error.hpp"
#include "sources/catalogue.hpp"

namespace millrace::service {
namespace {

/// How long the end of the program waits for the log to be written out, if its reader is alive.
constexpr duration log_patience = seconds{2};

/// Jobs left in memory that are freed at the end; beyond that many, the system takes the memory back.
constexpr std::size_t jobs_freed_most = 100'000;

/// A standard stream that came closed stays closed to whoever uses it: its number must not become that of the next
/// thing opened, or what is printed and logged would be written into it. Only its number is taken, by something that
/// fails in the direction that is used.
void keep_closed_streams_closed() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) >= 0) continue;
    // Those below are taken: the lowest free number is this one.
    [[maybe_unused]] const int taken = ::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

/// A standard error that nobody reads does not delay the end.
void stop_log(log_format format) {
  const bool blocked = definite(format) != log_format::journald && standard_error_is_blocked();
  log::stop(blocked ? duration::zero() : log_patience);
}

void say_summary(const std::string& summary, const arguments& how) {
  if (summary.empty()) return;
  if (how.summary == summary_format::json || definite(how.format) != log_format::json) {
    stop_log(how.format);
    write_to_standard_error(summary);
  } else {
    // A reader of JSON lines gets one more line, not a page of text between them.
    log::info("summary", std::string_view{summary}.substr(0, summary.find_last_not_of('\n') + 1));
  }
}

/// Of the file, or of the command line.
settings::loaded read_settings(const arguments& how, const settings::vocabulary& words) {
  if (!how.config.empty()) return settings::load_file(how.config, words);
  settings::loaded read;
  if (auto made = settings_of(how.drop_in)) {
    read.value = std::move(*made);
  } else {
    write_to_standard_error("millraced: " + made.error().text + '\n');
  }
  return read;
}

/// Each connection is an open file, and the usual limit of 1,024 is a matter of programs that use select.
void allow_many_files() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

/// Signals that come before the lifecycle listens wait for it: being told to end while starting is being told to end.
/// Ctrl-C still ends at once.
class held_signals {
 public:
  held_signals() {
    sigset_t some;
    ::sigemptyset(&some);
    for (const int number : {SIGTERM, SIGHUP, SIGUSR1}) ::sigaddset(&some, number);
    ::pthread_sigmask(SIG_BLOCK, &some, &before_);
  }
  ~held_signals() { let_through(); }
  held_signals(const held_signals&) = delete;
  held_signals& operator=(const held_signals&) = delete;

  void let_through() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

/// Takes the addresses; then, with `user`, gives up root before any file is opened or created.
/// A run that ends by itself does without metrics that it was not told to serve.
result<doors> take_places(const settings::daemon_options& options, const std::optional<user_identity>& user,
                          default_http http) {
  if (!user) return bind_doors(options, http);
  auto rights = privileges::give_up_groups(*user);
  if (!rights) return rights.error();
  auto bound = bind_doors(options, http, *rights);
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

exit_code run_parts(const settings::settings& set, const arguments& how, const std::optional<user_identity>& user,
                    held_signals& signals) {
  try {
    auto bound = take_places(set.daemon, user, how.until_idle ? default_http::optional : default_http::required);
    if (!bound) return could_not_start(bound.error().text);
    auto parts = daemon::make(set, {how.mode, how.limit}, std::move(*bound));
    if (!parts && parts.error().code == errc::cancelled) {
      // The signal is answered: let through, it would end the process before its log is written.
      std::signal(SIGTERM, SIG_IGN);
      log::info("stopped", "stopped while migrating: what is on disk stays as it was");
      return exit_code::done;
    }
    if (!parts) return could_not_start(parts.error().text);
    lifecycle life{**parts, set, how};
    signals.let_through();
    const auto code = life.run();
    say_summary(life.summary(), how);
    // All has been closed. To free millions of jobs one by one takes longer than the end of the process may.
    if ((*parts)->broker().engine().job_count() > jobs_freed_most) {
      stop_log(how.format);
      leave_without_closing(code);
    }
    return code;
  } catch (const std::exception& failure) {
    return could_not_start(message_of(failure));
  }
}

exit_code run_daemon(const arguments& how, const settings::vocabulary& words) {
  held_signals signals;
  auto read = read_settings(how, words);
  if (!read.value) {
    write_to_standard_error(text_of(read.complaints));
    return exit_code::bad_settings;
  }
  std::optional<user_identity> user;
  if (how.drop_in.user) {
    auto found = find_user(*how.drop_in.user);
    if (!found) {
      write_to_standard_error("millraced: " + found.error().text + '\n');
      return exit_code::bad_settings;
    }
    user = std::move(*found);
  }
  allow_many_files();
  find_files_beside(*read.value);
  if (how.until_idle && !how.limit) {
    if (const auto endless = endless_producer(*read.value); !endless.empty()) {
      write_to_standard_error("millraced: producers." + endless +
                              " never ends, so --until-idle would not either: give it a limit, or add --limit N\n");
      return exit_code::bad_settings;
    }
  }
  log::start(log_sink(how.format), how.least);
  for (const auto& complaint : read.complaints) log::warning("settings", complaint.text());
  if (how.drop_in.log_bytes) log::warning("settings", "-s means nothing here: disk use follows the jobs");
  const auto code = run_parts(*read.value, how, user, signals);
  stop_log(how.format);
  return code;
}

exit_code run(const std::vector<std::string>& given) {
  end_quietly_without_memory(exit_code::could_not_start);
  keep_closed_streams_closed();
  // A reader that goes away is an error of one write, not the end of the daemon.
  std::signal(SIGPIPE, SIG_IGN);
  const auto read = read_arguments(given);
  if (const auto* bye = std::get_if<early_exit>(&read)) {
    if (bye->code == exit_code::done)
      write_all(STDOUT_FILENO, bye->text);
    else
      write_to_standard_error(bye->text);
    return bye->code;
  }
  handlers::registry handlers;
  sources::registry sources;
  handlers::add_all(handlers);
  sources::add_all(sources);
  const settings::vocabulary words{handlers, sources};
  const auto& how = std::get<arguments>(read);
  return how.what == task::run ? run_daemon(how, words) : run_errand(how, words);
}

}  // namespace
}  // namespace millrace::service

int main(int count, char** words) {
  try {
    return static_cast<int>(millrace::service::run({std::next(words), std::next(words, count)}));
  } catch (const std::exception& failure) {
    // The lifecycle catches what fails while the daemon runs: this is a failure of the start.
    millrace::service::write_to_standard_error("millraced: " + millrace::message_of(failure) + '\n');
    return static_cast<int>(millrace::service::exit_code::could_not_start);
  }
}
