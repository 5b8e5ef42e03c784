#pragma once

#include <millrace/base/time.hpp>

#include "service/arguments.hpp"

namespace millrace::service {

/// The process leaves with exit code 1 in `patience` (rounded up to a second) from now, whatever its threads are
/// doing: what must end cannot wait for a thread that hangs in the operating system or in a computation. By SIGALRM,
/// so that it needs no thread of its own. A later call replaces an earlier one.
void arm_last_resort(duration patience);

/// Ends the process with this exit code, without destructors, when the log is written out: after a loop that stopped in
/// the midst of its tasks, which nothing can end in order any more (what is on disk is as after a crash), or when there
/// is too much to destroy.
[[noreturn]] void leave_without_closing(exit_code code);

/// From now on an exception that nobody can catch (no memory in a thread, say) ends the process with a message and
/// `code`, instead of SIGABRT, when it is one of memory or of the system. A later call replaces `code`.
void end_quietly_without_memory(exit_code code);

}  // namespace millrace::service
