#pragma once

#include <millrace/base/time.hpp>

namespace millrace::service {

/// The process leaves with exit code 1 in `patience` (rounded up to a second) from now, whatever its threads are
/// doing: what must end cannot wait for a thread that hangs in the operating system or in a computation. By SIGALRM,
/// so that it needs no thread of its own. A later call replaces an earlier one.
void arm_last_resort(duration patience);

}  // namespace millrace::service
