#include "loop/child_launcher.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <string_view>
#include <utility>

#include <millrace/loop/deadline.hpp>
#include <millrace/loop/wait_point.hpp>

#include "base/system_message.hpp"
#include "loop/child_process_parts.hpp"

namespace millrace::loop {

namespace {

constexpr std::array<std::string_view, 8> own_variables{
    "NOTIFY_SOCKET=", "LISTEN_FDS=",   "LISTEN_PID=", "LISTEN_FDNAMES=",
    "WATCHDOG_USEC=", "WATCHDOG_PID=", "MAINPID=",    "JOURNAL_STREAM="};

struct pipe_ends {
  owned_descriptor read;
  owned_descriptor write;
};

/// Both ends have numbers from 3, also where a standard stream is closed: a child puts its own streams there.
result<pipe_ends> open_pipe() {
  std::array<int, 2> numbers{};
  if (::pipe2(numbers.data(), O_CLOEXEC) != 0) {
    return error{errc::io, "a pipe to a child process cannot be opened: " + system_message(errno)};
  }
  pipe_ends ends{owned_descriptor{numbers[0]}, owned_descriptor{numbers[1]}};
  for (owned_descriptor* const end : {&ends.read, &ends.write}) {
    if (end->get() > STDERR_FILENO) continue;
    owned_descriptor moved{::fcntl(end->get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1)};
    if (moved.get() < 0) {
      return error{errc::io, "a pipe to a child process cannot be opened: " + system_message(errno)};
    }
    *end = std::move(moved);
  }
  return ends;
}

}  // namespace

struct child_launcher::parts {
  parts(event_loop& owner, std::vector<std::string> guard_command)
      : loop{owner},
        family{std::make_shared<child_family>(std::move(guard_command))},
        limits{owner},
        next{owner, "a child process to start"} {}

  [[nodiscard]] result<child_process> start(const child_command& command);

  event_loop& loop;
  std::shared_ptr<child_family> family;
  group_watch limits;
  wait_point next;
  bool starting{false};  ///< a task has the right to start one, or was just given it
  std::uint64_t turn_of_last{0};
};

result<child_process> child_launcher::parts::start(const child_command& command) {
  auto input = open_pipe();
  if (!input) return input.error();
  auto output = open_pipe();
  if (!output) return output.error();
  auto errors = open_pipe();
  if (!errors) return errors.error();
  const auto announce = family->guard.announce_to();
  if (!announce) return announce.error();
  auto spawned = spawn(
      command,
      {.input = input->read.get(), .output = output->write.get(), .error = errors->write.get(), .announce = *announce});
  if (!spawned) return spawned.error();
  family->guard.begun(spawned->id);
  auto made = std::make_shared<child_process::parts>(loop, family, spawned->id);
  if (const auto failure =
          made->watch(std::move(*spawned), std::move(input->write), std::move(output->read), std::move(errors->read))) {
    return error{errc::io, "a child process cannot be watched: " + system_message(failure.value())};
  }
  return child_process{std::move(made)};
}

child_launcher::child_launcher(event_loop& loop, std::vector<std::string> guard_command)
    : parts_{std::make_shared<parts>(loop, std::move(guard_command))} {}

child_launcher::~child_launcher() = default;

awaitable<result<child_process>> child_launcher::start(child_command command) {
  auto& all = *parts_;
  if (all.starting)
    co_await all.next.wait();
  else
    all.starting = true;
  /// Gives the right to start a child to the next task. That one continues at the next turn.
  struct handover {
    ~handover() {
      if (!launcher.next.wake_one()) launcher.starting = false;
    }
    parts& launcher;
  };
  const handover at_end{all};
  if (all.turn_of_last == all.loop.counts().turns.value()) co_await yield(all.loop);
  all.turn_of_last = all.loop.counts().turns.value();
  co_return all.start(command);
}

group_watch& child_launcher::limits() noexcept { return parts_->limits; }
std::size_t child_launcher::running() const noexcept { return parts_->family->running; }
pid_t child_launcher::guard() const noexcept { return parts_->family->guard.id(); }

std::vector<std::string> inherited_environment() {
  std::vector<std::string> kept;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string_view text{*variable};
    const bool own = std::ranges::any_of(own_variables, [&](std::string_view name) { return text.starts_with(name); });
    if (!own) kept.emplace_back(text);
  }
  return kept;
}

}  // namespace millrace::loop
