#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <millrace/base/result.hpp>

namespace millrace::loop {

/// Owns a descriptor of the operating system; -1: none.
class owned_descriptor {
 public:
  owned_descriptor() noexcept = default;
  explicit owned_descriptor(int number) noexcept : number_{number} {}
  owned_descriptor(owned_descriptor&& other) noexcept : number_{other.release()} {}
  owned_descriptor& operator=(owned_descriptor&& other) noexcept;
  ~owned_descriptor() { close(); }

  [[nodiscard]] int get() const noexcept { return number_; }
  [[nodiscard]] int release() noexcept;
  void close() noexcept;

 private:
  int number_{-1};
};

/// A program, and what it starts with.
struct child_command {
  /// The program, then its arguments. A program without a slash is looked up in the PATH of `environment`.
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  ///< all of it, as NAME=value
  std::string directory;                 ///< where it starts; empty: the directory of this process
  /// Bytes of memory that it may use together with all that it starts. Where a control group can be made
  /// (memory_cgroup.hpp), the kernel kills all of them when they need more. Elsewhere this has no effect, and a
  /// `group_watch` can watch the limit.
  std::optional<std::uint64_t> memory_max{};
};

/// Tells the guard (child_guard.hpp) that a process group has begun or ended. The child writes the first record before
/// it runs its program; its parent writes the second.
struct group_record {
  pid_t group{0};
  int alive{0};  ///< 1: the group has begun; 0: it has ended
};

/// The descriptors that a child gets, and how it is bound to this process.
struct spawn_settings {
  int input{-1};                ///< becomes its standard input. Requires: this and the next two are at least 3
  int output{-1};               ///< becomes its standard output
  int error{-1};                ///< becomes its standard error
  int announce{-1};             ///< not -1: the child writes a `group_record` to it before it runs the program
  int cgroup{-1};               ///< not -1: `cgroup.procs` of the control group that it enters, if it can
  bool dies_with_parent{true};  ///< SIGKILL when the thread that called `spawn` ends
};

struct spawned_child {
  pid_t id{0};  ///< also the id of its process group
  owned_descriptor pidfd;
  int cgroup_error{0};  ///< not 0: why it could not enter its control group; it runs outside
};

/// Starts a program in a process group of its own, with three descriptors and no others, default signal actions and
/// no blocked signals. Returns when the program runs, or with the error of the step that failed; then no process is
/// left. The error names the program or the directory. Its code is `not_found` for a program or directory that does not
/// exist, `out_of_range` for arguments that the system finds too long, otherwise `io`.
///
/// It uses clone with CLONE_VM and CLONE_VFORK, as posix_spawn does: no page of this process is copied, and the caller
/// stops until the program runs, a fraction of a millisecond. posix_spawn itself can neither set the death signal nor
/// announce the group, and both must happen in the child before the program runs. In the child there are only direct
/// system calls, because it shares the memory of this process.
///
/// Any thread. Requires: the calling thread lives as long as the children should, since the death signal comes when it
/// ends.
[[nodiscard]] result<spawned_child> spawn(const child_command& command, const spawn_settings& settings);

}  // namespace millrace::loop
