#include "loop/child_spawn.hpp"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "base/system_message.hpp"

/// Of <linux/close_range.h>, which older systems lack.
#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1U << 1U)
#endif

/// The name of `clone` that the thread sanitizer leaves alone. It replaces `clone` by a function for children with
/// memory of their own, which unlocks the sanitizer's locks in the child, here for the parent too.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" int __clone(int (*function)(void*), void* stack, int flags, void* argument, ...);

namespace millrace::loop {

namespace {

/// The daemon raises its own limit of open files as far as it can. Programs that use select, or that close every
/// number up to the limit, expect the usual one.
constexpr rlim_t child_files_max = 1'024;

/// The child's code calls nothing but `syscall`, so it needs a few hundred bytes.
constexpr std::size_t child_stack_bytes = std::size_t{32} * 1024;

constexpr std::string_view default_path = "/usr/local/bin:/usr/bin:/bin";

constexpr std::size_t kernel_signal_set_bytes = 8;

enum class step { none, parent_ended, group, descriptors, announcement, directory, program };

/// What parent and child share while the child prepares its program.
struct preparation {
  const spawn_settings* settings;
  char* const* candidates;  ///< paths of the program, tried in order; ends with null
  char* const* arguments;
  char* const* environment;
  const char* directory;  ///< null: stay
  pid_t parent;
  step failed{step::none};
  int error_number{0};
  int cgroup_error{0};
};

[[gnu::no_sanitize("address", "thread", "undefined")]] int fail(preparation& child, step at) {
  child.failed = at;
  child.error_number = errno;
  ::syscall(SYS_exit_group, 127);
  return 127;
}

/// execve resets handlers, but ignored signals stay ignored, and so would SIGPIPE in every child. A signal that came
/// before the child left the group of the parent was not for the child, and is dropped.
[[gnu::no_sanitize("address", "thread", "undefined")]] void reset_signals() {
  // The kernel's structure: all zeros is the default action, without flags and mask.
  constexpr std::size_t words = 8;
  const unsigned long zeros[words] = {};
  for (int number = 1; number < _NSIG; ++number) {
    ::syscall(SYS_rt_sigaction, number, zeros, nullptr, kernel_signal_set_bytes);
  }
  const unsigned long all = ~0UL;
  const timespec at_once{};
  while (::syscall(SYS_rt_sigtimedwait, &all, nullptr, &at_once, kernel_signal_set_bytes) > 0) {
  }
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, zeros, nullptr, kernel_signal_set_bytes);
}

[[gnu::no_sanitize("address", "thread", "undefined")]] bool connect_streams(const spawn_settings& settings) {
  const int sources[3] = {settings.input, settings.output, settings.error};
  int highest = settings.announce;
  for (const int source : sources) highest = source > highest ? source : highest;
  // The table of descriptors is still that of the parent. This copies only the part that is needed, which for a daemon
  // with many connections is small.
  if (::syscall(SYS_close_range, static_cast<unsigned>(highest) + 1, UINT_MAX, CLOSE_RANGE_UNSHARE) != 0) return false;
  for (int stream = 0; stream < 3; ++stream) {
    if (::syscall(SYS_dup3, sources[stream], stream, 0) < 0) return false;
  }
  return true;
}

[[gnu::no_sanitize("address", "thread", "undefined")]] bool announce(int descriptor) {
  if (descriptor < 0) return true;
  const group_record record{static_cast<pid_t>(::syscall(SYS_getpid)), 1};
  return ::syscall(SYS_write, descriptor, &record, sizeof record) == static_cast<long>(sizeof record);
}

[[gnu::no_sanitize("address", "thread", "undefined")]] void restore_file_limit() {
  rlimit files{};
  if (::syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, nullptr, &files) != 0 || files.rlim_cur <= child_files_max) return;
  files.rlim_cur = child_files_max;
  // A sandbox may forbid it. The program then keeps the limit of this process.
  ::syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &files, nullptr);
}

/// Runs in the child, on a stack of its own, in the memory of the parent, which waits.
[[gnu::no_sanitize("address", "thread", "undefined")]] int prepare_and_run(void* argument) {
  auto& child = *static_cast<preparation*>(argument);
  const spawn_settings& settings = *child.settings;
  if (::syscall(SYS_setpgid, 0, 0) != 0) return fail(child, step::group);
  if (settings.dies_with_parent) {
    ::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    // A parent that ended before the line above sends no signal.
    if (::syscall(SYS_getppid) != child.parent) return fail(child, step::parent_ended);
  }
  // `0` is the process that writes.
  if (settings.cgroup >= 0 && ::syscall(SYS_write, settings.cgroup, "0", 1) != 1) child.cgroup_error = errno;
  if (!connect_streams(settings)) return fail(child, step::descriptors);
  if (!announce(settings.announce)) return fail(child, step::announcement);
  if (child.directory != nullptr && ::syscall(SYS_chdir, child.directory) != 0) return fail(child, step::directory);
  if (::syscall(SYS_close_range, 3U, UINT_MAX, 0U) != 0) return fail(child, step::descriptors);
  restore_file_limit();
  reset_signals();
  // As execvp does: the first candidate that exists decides, and one without permission only if no other does.
  int refused = 0;
  for (char* const* candidate = child.candidates; *candidate != nullptr; ++candidate) {
    ::syscall(SYS_execve, *candidate, child.arguments, child.environment);
    if (errno == EACCES) refused = EACCES;
    if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) return fail(child, step::program);
  }
  if (refused != 0) errno = refused;
  return fail(child, step::program);
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  // execve takes pointers to characters that are not const, and does not write to them.
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> candidates_for(const std::string& program, const std::vector<std::string>& environment) {
  if (program.find('/') != std::string::npos) return {program};
  constexpr std::string_view name = "PATH=";
  std::string_view path = default_path;
  for (const std::string& variable : environment) {
    if (variable.starts_with(name)) path = std::string_view{variable}.substr(name.size());
  }
  std::vector<std::string> candidates;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find(':', at), path.size());
    // An empty entry is the present directory.
    const std::string_view folder = end == at ? std::string_view{"."} : path.substr(at, end - at);
    candidates.push_back(std::string{folder} + '/' + program);
    at = end + 1;
  }
  return candidates;
}

bool has_nul(const std::string& text) { return text.find('\0') != std::string::npos; }

result<> check(const child_command& command) {
  if (command.arguments.empty() || command.arguments.front().empty()) return invalid("the command is empty");
  if (has_nul(command.directory) || std::ranges::any_of(command.arguments, has_nul) ||
      std::ranges::any_of(command.environment, has_nul)) {
    return invalid("a NUL byte cannot be part of an argument, a variable or a directory");
  }
  return {};
}

error error_of(const preparation& child, const child_command& command) {
  const int number = child.error_number;
  const std::string cause = ": " + system_message(number);
  const errc code = number == ENOENT || number == ENOTDIR ? errc::not_found : errc::io;
  const std::string& program = command.arguments.front();
  switch (child.failed) {
    case step::directory:
      return {code, "the directory '" + command.directory + "' cannot be entered" + cause};
    case step::announcement:
      return {errc::io, "the new process cannot be announced to the guard of child processes" + cause};
    case step::program:
      break;
    default:
      return {errc::io, "a child process cannot be prepared" + cause};
  }
  if (number == E2BIG)
    return {errc::out_of_range, "the arguments and the environment of '" + program + "' are too long"};
  if (code != errc::not_found) return {code, "the program '" + program + "' cannot be started" + cause};
  for (char* const* candidate = child.candidates; *candidate != nullptr; ++candidate) {
    if (**candidate != '/' || ::access(*candidate, F_OK) != 0) continue;
    return {code, "the program '" + program + "' names an interpreter that does not exist"};
  }
  if (program.find('/') == std::string::npos) return {code, "the program '" + program + "' is in no directory of PATH"};
  return {code, "the program '" + program + "' does not exist"};
}

/// A signal that is handled in the child would run a handler of the parent in the parent's memory.
class all_signals_blocked {
 public:
  all_signals_blocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~all_signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  all_signals_blocked(const all_signals_blocked&) = delete;
  all_signals_blocked& operator=(const all_signals_blocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

owned_descriptor& owned_descriptor::operator=(owned_descriptor&& other) noexcept {
  if (this != &other) {
    close();
    number_ = other.release();
  }
  return *this;
}

int owned_descriptor::release() noexcept { return std::exchange(number_, -1); }

void owned_descriptor::close() noexcept {
  if (number_ >= 0) ::close(release());
}

result<spawned_child> spawn(const child_command& command, const spawn_settings& settings) {
  if (auto checked = check(command); !checked) return checked.error();
  const auto paths = candidates_for(command.arguments.front(), command.environment);
  const auto candidates = pointers_to(paths);
  const auto arguments = pointers_to(command.arguments);
  const auto environment = pointers_to(command.environment);
  preparation child{&settings,
                    candidates.data(),
                    arguments.data(),
                    environment.data(),
                    command.directory.empty() ? nullptr : command.directory.c_str(),
                    ::getpid()};
  // The stack is free when the program runs, or has failed to.
  const auto stack = std::make_unique_for_overwrite<std::byte[]>(child_stack_bytes);
  int pidfd = -1;
  pid_t id = -1;
  int clone_error = 0;
  {
    const all_signals_blocked blocked;
    // Stacks grow down on every machine that the daemon runs on.
    constexpr int flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD | SIGCHLD;
    id = ::__clone(prepare_and_run, stack.get() + child_stack_bytes, flags, &child, &pidfd);
    clone_error = errno;
  }
  if (id < 0) return error{errc::io, "a child process cannot be started: " + system_message(clone_error)};
  spawned_child made{id, owned_descriptor{pidfd}, child.cgroup_error};
  if (child.failed == step::none) return made;
  // The child has ended or is about to.
  siginfo_t ended{};
  while (::waitid(P_PID, static_cast<id_t>(id), &ended, WEXITED) != 0 && errno == EINTR) {
  }
  if (settings.announce >= 0) {
    const group_record record{id, 0};
    static_cast<void>(::write(settings.announce, &record, sizeof record));
  }
  return error_of(child, command);
}

}  // namespace millrace::loop
