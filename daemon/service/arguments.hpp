#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/log.hpp"
#include "service/drop_in.hpp"
#include "service/log_sinks.hpp"
#include "workload/options.hpp"

namespace millrace::service {

/// What a finished program tells whoever started it.
enum class exit_code : int {
  done = 0,
  failed = 1,           ///< failed while running, or stopped at once before its work was done
  bad_settings = 2,     ///< the command line or the settings file
  could_not_start = 3,  ///< a port is taken, a file is missing
  not_all_done = 4,     ///< `--until-idle`: nothing is left that can be done, but some jobs were not done, or failed
};

enum class task {
  run,
  check,
  print_config,
  print_example_config,
  print_schema,
};

enum class summary_format { text, json };

/// The command line as a value.
struct arguments {
  service::task what{task::run};
  std::string config;  ///< empty for the tasks that read no file, and when beanstalkd's options stand for it
  drop_in_options drop_in;
  bool until_idle{false};
  std::optional<std::uint64_t> limit;
  workload::mode mode{workload::mode::as_set};
  log_format format{log_format::automatic};
  summary_format summary{summary_format::text};
  log::level least{log::level::info};
};

/// Nothing to run: the text has been asked for (`done`, standard output) or says what is wrong (standard error).
struct early_exit {
  exit_code code{exit_code::done};
  std::string text;
};

/// Reads the words after the program's name.
[[nodiscard]] std::variant<arguments, early_exit> read_arguments(const std::vector<std::string>& words);

}  // namespace millrace::service
