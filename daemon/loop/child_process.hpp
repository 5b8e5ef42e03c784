#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <millrace/base/time.hpp>
#include <millrace/loop/event_loop.hpp>

#include "loop/child_spawn.hpp"

namespace millrace::loop {

/// How a child ended.
struct child_exit {
  int status{0};                ///< its exit status, when `signal` is 0
  int signal{0};                ///< not 0: the number of the signal that ended it
  duration cpu{0};              ///< processor time of the child and of the processes that it waited for
  bool memory_exceeded{false};  ///< the kernel killed its control group, because it needed more than `memory_max`

  [[nodiscard]] bool by_signal() const noexcept { return signal != 0; }
};
/// `exit status 3`, `killed by SIGSEGV`.
[[nodiscard]] std::string text_of(const child_exit& ended);

enum class child_stream { output, error };

/// A program that runs in a process group of its own, with pipes to its three streams. Made by `child_launcher::start`.
///
/// When the program itself ends, SIGKILL goes to what is left of its group. After `end` the rest of the group has until
/// the end of `kill_after`, as long as it keeps the output or the error open. The program is reaped in any case, so
/// no zombie stays. Other processes than the program that left the group (setsid) are not signalled.
///
/// Owned by the code that started it; loop thread only. The destructor sends SIGKILL to the group. The program is then
/// reaped by the loop, which keeps running until it is. One task at a time reads each stream, and one writes.
/// Requires: the program ignores SIGPIPE; nobody waits in a member when it is destroyed.
class child_process {
 public:
  child_process(child_process&& other) noexcept;
  child_process& operator=(child_process&& other) noexcept;
  ~child_process();

  [[nodiscard]] pid_t id() const noexcept;  ///< of the program and of its group
  /// A control group limits its memory. False: there was no limit, or it has to be watched.
  [[nodiscard]] bool has_memory_cgroup() const noexcept;
  /// Of a child with such a group, for `child_exit::memory_exceeded`: `process 812 (python3) and what it has started
  /// used all of memory_max (256MiB) and asked for more`. `setting`: the name of the limit.
  [[nodiscard]] std::string memory_exceeded_text(std::string_view setting) const;

  /// Suspends until the program is reaped and its group was signalled. Any number of tasks may wait.
  awaitable<child_exit> ended();
  /// As of now; nullopt: it has not ended.
  [[nodiscard]] const std::optional<child_exit>& exit() const noexcept;

  /// Sends SIGTERM to the group now, and SIGKILL after `kill_after`. A second call can only make SIGKILL
  /// come earlier.
  void end(duration kill_after);
  /// Sends SIGKILL to the group.
  void kill() { end(duration::zero()); }

  /// Writes all of `text` to standard input. False: the program does not read any more. Requires: `text` outlives the
  /// await.
  awaitable<bool> write(std::string_view text);
  /// The program sees the end of its standard input.
  void close_input();
  /// Reads what is there, at least one byte; 0: the end. An error counts as the end.
  awaitable<std::size_t> read(child_stream stream, std::span<char> buffer);
  /// The same without waiting; 0: nothing is there.
  [[nodiscard]] std::size_t read_now(child_stream stream, std::span<char> buffer);

 private:
  friend class child_launcher;
  struct parts;
  explicit child_process(std::shared_ptr<parts> made);

  void abandon() noexcept;

  std::shared_ptr<parts> parts_;
};

}  // namespace millrace::loop
