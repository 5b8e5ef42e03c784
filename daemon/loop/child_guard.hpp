#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <millrace/base/result.hpp>

#include "loop/child_spawn.hpp"

namespace millrace::loop {

/// The pipe to one guard. Copies keep it open. Null: there is no guard.
using guard_pipe = std::shared_ptr<const owned_descriptor>;

/// A small process that outlives this one for a moment: when this process ends in any way, kill -9 included, the guard
/// sends SIGKILL to every process group that has begun and not ended. The death signal of a child reaches only the
/// child itself; the guard reaches what the child has started. A process that has left its group (setsid) is out of
/// reach.
///
/// The guard reads `group_record`s from a pipe. A child writes the record of its group's begin before it runs its
/// program, so no group is ever unknown. This process writes the record of its end while the leader of the group is not
/// reaped yet, so the id of a group is never that of a later process.
///
/// Owned by the `child_launcher`; loop thread only. The destructor closes the pipe, which ends the guard, and waits for
/// it. A guard that was killed is replaced with the next child, and learns all groups again.
class child_guard {
 public:
  /// `command` runs `run_child_guard(0)`. Empty: there is no guard, and `announce_to` is always null.
  explicit child_guard(std::vector<std::string> command) : command_{std::move(command)} {}
  ~child_guard();
  child_guard(const child_guard&) = delete;
  child_guard& operator=(const child_guard&) = delete;

  /// Starts the guard if it does not run. Returns the pipe that a new child writes its record to.
  [[nodiscard]] result<guard_pipe> announce_to();
  /// The child has written its record to `announced_to`, which may be the pipe of a guard that was replaced since.
  void begun(pid_t group, const guard_pipe& announced_to);
  /// Requires: the leader of the group is not reaped.
  void ended(pid_t group);

  [[nodiscard]] pid_t id() const noexcept { return guard_.id; }  ///< 0: it does not run

 private:
  [[nodiscard]] result<> start();
  [[nodiscard]] bool send(const group_record& record);
  /// Sends what did not fit into the pipe. False: there is still some left.
  bool send_unsent();
  void reap_if_ended();

  std::vector<std::string> command_;
  spawned_child guard_;
  guard_pipe pipe_;
  std::vector<pid_t> groups_;         ///< that are alive
  std::vector<group_record> unsent_;  ///< in order
};

/// The only argument of a program of ours that runs as a guard.
inline constexpr std::string_view child_guard_argument = "--child-guard";
/// This program again, as a guard. It need not be where it was when it was started.
[[nodiscard]] std::vector<std::string> child_guard_command();

/// The guard's side: reads records from `descriptor` until its other end is closed, kills the groups that have not
/// ended, and returns the exit status.
int run_child_guard(int descriptor);

}  // namespace millrace::loop
