#include "loop/child_process.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

#include <millrace/base/quantity.hpp>

#include "loop/child_process_parts.hpp"
#include "loop/loop_core.hpp"
#include "loop/readable.hpp"

namespace millrace::loop {

using boost::system::error_code;

namespace {

/// How often the rest of a group is looked at, which cannot be awaited: it has no descriptor.
constexpr duration look_every = milliseconds{20};

/// How long the destruction of the loop waits for a child that was just killed.
constexpr int reap_milliseconds_max = 100;

duration length_of(const timeval& time) { return seconds{time.tv_sec} + microseconds{time.tv_usec}; }

/// Waits for a child that has ended, and reaps it.
child_exit reap(pid_t child) {
  siginfo_t info{};
  rusage usage{};
  // The function of the C library has no parameter for the usage.
  while (::syscall(SYS_waitid, P_PID, child, &info, WEXITED, &usage) != 0 && errno == EINTR) {
  }
  const bool by_itself = info.si_code == CLD_EXITED;
  return {by_itself ? info.si_status : 0, by_itself ? 0 : info.si_status,
          length_of(usage.ru_utime) + length_of(usage.ru_stime)};
}

/// All processes that had the writing end have closed it. What they wrote may be unread.
bool hung_up(int descriptor) {
  pollfd state{descriptor, 0, 0};
  return ::poll(&state, 1, 0) > 0 && (state.revents & POLLHUP) != 0;
}

void rethrow_cancellation(const error_code& failure) {
  if (failure == boost::asio::error::operation_aborted) throw boost::system::system_error{failure};
}

}  // namespace

std::string text_of(const child_exit& ended) {
  if (!ended.by_signal()) return "exit status " + std::to_string(ended.status);
  const char* const name = ::sigabbrev_np(ended.signal);
  return "killed by " + (name != nullptr ? std::string{"SIG"} + name : "signal " + std::to_string(ended.signal));
}

// --- the state -------------------------------------------------------------------------------------------------------

child_process::parts::parts(event_loop& owner, std::shared_ptr<child_family> shared, pid_t leader)
    : loop{owner},
      family{std::move(shared)},
      id{leader},
      pidfd{owner.get_executor()},
      input{owner.get_executor()},
      output{owner.get_executor()},
      error_output{owner.get_executor()},
      kill_at{owner, [this] { signal_group(SIGKILL); }},
      look_again{owner, [this] { await_rest_of_group(); }},
      reaped{owner, "the end of a child process"} {
  ++family->running;
}

child_process::parts::~parts() {
  if (exit) return;
  // The loop is destroyed before the child was reaped, or could not watch it.
  signal_group(SIGKILL);
  pollfd end{pidfd.is_open() ? pidfd.native_handle() : -1, POLLIN, 0};
  if (end.fd < 0 || ::poll(&end, 1, reap_milliseconds_max) > 0) finish();
}

error_code child_process::parts::watch(started_child&& started) {
  memory = std::move(started.memory);
  if (memory) memory_max = memory->memory_max();
  const auto assign = [](descriptor& stream, owned_descriptor taken) {
    error_code failure;
    stream.assign(taken.get(), failure);
    if (!failure) static_cast<void>(taken.release());
    return failure;
  };
  if (const auto failure = assign(pidfd, std::move(started.child.pidfd))) return failure;
  if (const auto failure = assign(input, std::move(started.input))) return failure;
  if (const auto failure = assign(output, std::move(started.output))) return failure;
  if (const auto failure = assign(error_output, std::move(started.error))) return failure;
  for (descriptor* const stream : {&input, &output, &error_output}) {
    error_code failure;
    stream->native_non_blocking(true, failure);
    if (failure) return failure;
  }
  await_program();
  return {};
}

void child_process::parts::await_program() {
  pidfd.async_wait(descriptor::wait_read, [self = shared_from_this()](const error_code& failure) {
    if (failure) return;
    if (is_readable(self->pidfd.native_handle()))
      self->await_rest_of_group();
    else
      self->await_program();
  });
}

void child_process::parts::signal_group(int number) noexcept {
  // Until the program is reaped the id of its group cannot be that of another one.
  if (exit) return;
  const bool reached = ::kill(-id, number) == 0;
  // The program itself may have joined another group.
  if (!reached || number == SIGKILL) ::kill(id, number);
}

void child_process::parts::end(duration kill_after) {
  if (exit) return;
  const instant when = after(loop.now(), kill_after);
  if (kill_after == duration::zero()) {
    kill_at.clear();
    signal_group(SIGKILL);
    return;
  }
  if (kill_at.when() == never) signal_group(SIGTERM);
  kill_at.set(std::min(when, kill_at.when()));
}

void child_process::parts::await_rest_of_group() {
  const auto closed = [](descriptor& stream) { return !stream.is_open() || hung_up(stream.native_handle()); };
  if (kill_at.when() == never || (closed(output) && closed(error_output))) return finish();
  look_again.set(after(loop.now(), look_every));
}

void child_process::parts::finish() {
  signal_group(SIGKILL);
  family->guard.ended(id);
  exit = reap(id);
  --family->running;
  if (memory) {
    exit->memory_exceeded = memory->is_exceeded();
    if (family->starter != nullptr) family->starter->remove(std::move(*memory));
    memory.reset();
  }
  kill_at.clear();
  look_again.clear();
  error_code ignored;
  pidfd.close(ignored);
  reaped.wake_all();
}

// --- the owner's side ------------------------------------------------------------------------------------------------

child_process::child_process(std::shared_ptr<parts> made) : parts_{std::move(made)} {}
child_process::child_process(child_process&& other) noexcept = default;

child_process& child_process::operator=(child_process&& other) noexcept {
  if (this == &other) return *this;
  abandon();
  parts_ = std::move(other.parts_);
  return *this;
}

child_process::~child_process() { abandon(); }

void child_process::abandon() noexcept {
  if (parts_ == nullptr) return;
  parts_->end(duration::zero());
  error_code ignored;
  parts_->input.close(ignored);
  parts_->output.close(ignored);
  parts_->error_output.close(ignored);
}

pid_t child_process::id() const noexcept { return parts_->id; }
const std::optional<child_exit>& child_process::exit() const noexcept { return parts_->exit; }
bool child_process::has_memory_cgroup() const noexcept { return parts_->memory_max != 0; }

std::string child_process::memory_exceeded_text(std::string_view setting) const {
  return "process " + std::to_string(parts_->id) + " (" + parts_->program + ") and what it has started used all of " +
         std::string{setting} + " (" + write_size(parts_->memory_max) + ") and asked for more";
}

void child_process::end(duration kill_after) { parts_->end(kill_after); }

awaitable<child_exit> child_process::ended() {
  const auto child = parts_;
  while (!child->exit) co_await child->reaped.wait();
  co_return *child->exit;
}

awaitable<bool> child_process::write(std::string_view text) {
  const auto child = parts_;
  while (!text.empty()) {
    if (!child->input.is_open()) co_return false;
    child->loop.core().current().waits_for = "a child process that reads";
    error_code failure;
    const std::size_t bytes = co_await child->input.async_write_some(
        boost::asio::buffer(text), boost::asio::redirect_error(use_awaitable, failure));
    rethrow_cancellation(failure);
    if (failure) co_return false;
    text.remove_prefix(bytes);
  }
  co_return true;
}

void child_process::close_input() {
  error_code ignored;
  parts_->input.close(ignored);
}

awaitable<std::size_t> child_process::read(child_stream stream, std::span<char> buffer) {
  const auto child = parts_;
  child->loop.core().current().waits_for = "output of a child process";
  error_code failure;
  const std::size_t bytes = co_await child->of(stream).async_read_some(
      boost::asio::buffer(buffer.data(), buffer.size()), boost::asio::redirect_error(use_awaitable, failure));
  rethrow_cancellation(failure);
  co_return failure ? 0 : bytes;
}

std::size_t child_process::read_now(child_stream stream, std::span<char> buffer) {
  const ssize_t bytes = ::read(parts_->of(stream).native_handle(), buffer.data(), buffer.size());
  return bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

}  // namespace millrace::loop
