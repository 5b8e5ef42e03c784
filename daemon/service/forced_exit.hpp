#pragma once

#include <millrace/base/time.hpp>

#include "service/arguments.hpp"

namespace millrace::service {

/// Ends the process with exit code 1 after `timeout` (rounded up to a second), even if a thread hangs in a system call
/// or in a computation. Uses SIGALRM, so it needs no thread. A later call replaces an earlier one.
void schedule_forced_exit(duration timeout);

/// Writes out the log, then ends the process with this exit code without destructors. For two cases: the loop stopped
/// while tasks were running, so nothing can be closed in order (the data on disk are as after a crash); or destruction
/// would take too long.
[[noreturn]] void exit_without_closing(exit_code code);

/// From now on an uncaught exception of the system or of memory ends the process with a message and `code` instead of
/// SIGABRT. A later call replaces `code`.
void set_uncaught_exit_code(exit_code code);

}  // namespace millrace::service
