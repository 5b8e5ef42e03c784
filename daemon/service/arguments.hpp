#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/log.hpp"
#include "service/beanstalkd_options.hpp"
#include "service/log_sinks.hpp"
#include "workload/options.hpp"

namespace millrace::service {

/// The exit codes of `millraced`.
enum class exit_code : int {
  done = 0,
  failed = 1,           ///< failed while running, or was ended by a second signal, or did not end in time
  bad_settings = 2,     ///< the command line or the settings file has an error
  could_not_start = 3,  ///< for example, a port is in use or a file is missing
  not_all_done = 4,     ///< `--until-idle`: no more work is possible, but some jobs failed or were not done
};

enum class task {
  run,
  check,
  print_config,
  print_example_config,
  print_schema,
};

enum class summary_format { text, json };

/// The parsed command line.
struct arguments {
  service::task task{service::task::run};
  std::string config;  ///< empty for tasks that read no file, and with beanstalkd's options
  beanstalkd_options beanstalkd;
  bool until_idle{false};
  std::optional<std::uint64_t> limit;
  workload::mode mode{workload::mode::as_set};
  log_format format{log_format::automatic};
  summary_format summary{summary_format::text};
  std::optional<log::level> level_min{};  ///< instead of the level of the settings
  std::string trace;                      ///< the file of a trace of the whole run; empty: none
  std::optional<std::uint64_t> trace_bytes_max{};
};

/// The daemon does not run. With `done` the text is the requested output and goes to standard output, else it is an
/// error message and goes to standard error.
struct early_exit {
  exit_code code{exit_code::done};
  std::string text;
};

/// Where the listeners get their sockets. `passed`: the service manager has passed some, so neither a settings file nor
/// an address is needed.
enum class listener_source { settings, passed };

/// Parses the words after the program's name.
[[nodiscard]] std::variant<arguments, early_exit> read_arguments(const std::vector<std::string>& words,
                                                                 listener_source source = listener_source::settings);

}  // namespace millrace::service
