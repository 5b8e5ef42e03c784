#include "loop/child_guard.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <set>
#include <span>
#include <utility>

#include "base/log.hpp"
#include "base/system_message.hpp"

namespace millrace::loop {

namespace {

/// The guard ends as soon as it sees the end of its pipe. One that does not is killed.
constexpr int guard_end_milliseconds_max = 1'000;

/// Between two reads the pipe collects records, because a wake-up for each would cost more than the read. A full read
/// is followed by the next one at once. The end of the pipe wakes the guard at once. A pipe holds 512 records or more,
/// so the guard keeps up with thousands of children a second.
constexpr int pause_milliseconds = 50;

std::vector<std::string> own_environment() {
  std::vector<std::string> all;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) all.emplace_back(*variable);
  return all;
}

void reap(pid_t process) {
  siginfo_t ended{};
  while (::waitid(P_PID, static_cast<id_t>(process), &ended, WEXITED) != 0 && errno == EINTR) {
  }
}

}  // namespace

child_guard::~child_guard() {
  pipe_.reset();
  if (guard_.id == 0) return;
  pollfd end{guard_.pidfd.get(), POLLIN, 0};
  if (::poll(&end, 1, guard_end_milliseconds_max) == 0) ::kill(guard_.id, SIGKILL);
  reap(guard_.id);
}

result<guard_pipe> child_guard::announce_to() {
  if (command_.empty()) return guard_pipe{};
  reap_if_ended();
  if (guard_.id == 0) {
    if (auto started = start(); !started) return started.error();
  }
  if (!send_unsent()) return error{errc::io, "the guard of child processes does not read"};
  return pipe_;
}

void child_guard::begun(pid_t group, const guard_pipe& announced_to) {
  if (command_.empty()) return;
  groups_.push_back(group);
  if (announced_to == pipe_) return;
  unsent_.push_back({group, 1});
  send_unsent();
}

void child_guard::ended(pid_t group) {
  if (command_.empty()) return;
  std::erase(groups_, group);
  unsent_.push_back({group, 0});
  send_unsent();
}

result<> child_guard::start() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return error{errc::io, "the guard of child processes cannot be started: " + system_message(errno)};
  }
  owned_descriptor read_end{ends[0]};
  owned_descriptor write_end{ends[1]};
  owned_descriptor null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  if (null.get() < 0) {
    return error{errc::io, "the guard of child processes cannot be started: /dev/null: " + system_message(errno)};
  }
  // Neither a child nor the loop waits for a guard that does not read.
  ::fcntl(write_end.get(), F_SETFL, O_NONBLOCK);
  auto started = spawn(
      {command_, own_environment(), {}},
      {.input = read_end.get(), .output = null.get(), .error = null.get(), .announce = -1, .dies_with_parent = false});
  if (!started) return error{started.error().code, "the guard of child processes: " + started.error().text};
  guard_ = std::move(*started);
  pipe_ = std::make_shared<const owned_descriptor>(std::move(write_end));
  unsent_.clear();
  for (const pid_t group : groups_) unsent_.push_back({group, 1});
  return {};
}

bool child_guard::send(const group_record& record) {
  // At most PIPE_BUF bytes are written whole or not at all.
  return pipe_ != nullptr && ::write(pipe_->get(), &record, sizeof record) == static_cast<ssize_t>(sizeof record);
}

bool child_guard::send_unsent() {
  const auto left = std::ranges::find_if_not(unsent_, [this](const group_record& record) { return send(record); });
  unsent_.erase(unsent_.begin(), left);
  return unsent_.empty();
}

void child_guard::reap_if_ended() {
  if (guard_.id == 0) return;
  pollfd end{guard_.pidfd.get(), POLLIN, 0};
  if (::poll(&end, 1, 0) <= 0) return;
  log::warning("child_guard_ended", "the guard of child processes has ended: a new one is started");
  reap(guard_.id);
  guard_ = {};
  pipe_.reset();
}

std::vector<std::string> child_guard_command() { return {"/proc/self/exe", std::string{child_guard_argument}}; }

int run_child_guard(int descriptor) {
  // Else it is shown as `exe`.
  ::prctl(PR_SET_NAME, "millrace-guard", 0, 0, 0);
  // It ends with its pipe. A signal to all processes of the service must not end it earlier.
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) ::signal(number, SIG_IGN);
  std::set<pid_t> groups;
  std::array<group_record, 512> records;
  for (;;) {
    const ssize_t bytes = ::read(descriptor, records.data(), sizeof records);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0) break;
    // Each was written whole.
    for (const group_record& record :
         std::span{records}.first(static_cast<std::size_t>(bytes) / sizeof(group_record))) {
      if (record.alive != 0)
        groups.insert(record.group);
      else
        groups.erase(record.group);
    }
    if (static_cast<std::size_t>(bytes) == sizeof records) continue;
    pollfd end{descriptor, 0, 0};
    ::poll(&end, 1, pause_milliseconds);
  }
  for (const pid_t group : groups) ::kill(-group, SIGKILL);
  return 0;
}

}  // namespace millrace::loop
