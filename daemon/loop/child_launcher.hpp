#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <millrace/base/result.hpp>
#include <millrace/loop/event_loop.hpp>

#include "loop/child_process.hpp"
#include "loop/group_watch.hpp"

namespace millrace::loop {

/// Starts all child processes of this process, and keeps the guard that ends them when this process is killed
/// (child_guard.hpp).
///
/// Owned by the program; loop thread only. A thread of its own starts the programs (child_starter.hpp), so the loop
/// goes on meanwhile. A `child_process` may outlive the launcher, but not its loop; its program is
/// killed when the launcher is destroyed.
/// Requires: this process ignores SIGPIPE; no task is in `start` when the launcher is destroyed.
class child_launcher {
 public:
  /// `guard_command` runs `run_child_guard(0)`. Empty: there is no guard.
  explicit child_launcher(event_loop& loop, std::vector<std::string> guard_command = {});
  ~child_launcher();
  child_launcher(const child_launcher&) = delete;
  child_launcher& operator=(const child_launcher&) = delete;

  /// Returns when the program runs. An error is one of `spawn`, of a pipe, of the thread or of the guard; then nothing
  /// is left of the attempt. Throws operation_aborted when the task is cancelled meanwhile; a program that has begun is
  /// killed then.
  awaitable<result<child_process>> start(child_command command);

  /// Limits of what a child uses with its group.
  [[nodiscard]] group_watch& limits() noexcept;

  [[nodiscard]] std::size_t running() const noexcept;  ///< children that are not reaped
  [[nodiscard]] pid_t guard() const noexcept;          ///< 0: none runs

 private:
  struct parts;
  std::shared_ptr<parts> parts_;
};

/// The environment of this process, for a `child_command`, without what the service manager meant for this process
/// alone (`NOTIFY_SOCKET`, `LISTEN_FDS`, ...).
[[nodiscard]] std::vector<std::string> inherited_environment();

}  // namespace millrace::loop
