#pragma once

#include <poll.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>

#include "loop/child_spawn.hpp"
#include "support/catch.hpp"

namespace millrace {

/// Returns when a killed process has ended. Another process may reap it. Fails the test if it does not end.
inline void await_death(pid_t process) {
  constexpr int patience_milliseconds = 30'000;
  const loop::owned_descriptor pidfd{static_cast<int>(::syscall(SYS_pidfd_open, process, 0))};
  if (pidfd.get() < 0) {
    REQUIRE(errno == ESRCH);
    return;
  }
  pollfd end{pidfd.get(), POLLIN, 0};
  REQUIRE(::poll(&end, 1, patience_milliseconds) == 1);
}

}  // namespace millrace
