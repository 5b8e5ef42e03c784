#pragma once

#include <string>

namespace millrace::tools {

enum class exit_code : int {
  done = 0,
  failed = 1,  ///< failed while running; also when a job was lost or delivered twice
  bad_arguments = 2,
  no_connection = 3,     ///< no server there, or none of the protocol
  cannot_open = 3,       ///< the data directory is missing, in use, or of a newer version
  out_of_resources = 3,  ///< the system gives no memory, thread or descriptor
};

/// Nothing to run: the text has been asked for (`done`, standard output) or says what is wrong (standard error).
struct early_exit {
  exit_code code{exit_code::done};
  std::string text;
};

}  // namespace millrace::tools
