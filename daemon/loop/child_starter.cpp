#include "loop/child_starter.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <exception>
#include <system_error>
#include <utility>

#include <millrace/loop/wait_point.hpp>

#include "base/system_message.hpp"
#include "loop/signal_free_thread.hpp"
#include "loop/thrown.hpp"

namespace millrace::loop {

namespace {

namespace this_coro = boost::asio::this_coro;

/// Killed processes take some time to end.
constexpr duration remove_again_after = milliseconds{10};

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

result<started_child> start_now(const child_command& command, const guard_pipe& guard, memory_cgroups& cgroups) {
  auto input = open_pipe();
  if (!input) return input.error();
  auto output = open_pipe();
  if (!output) return output.error();
  auto errors = open_pipe();
  if (!errors) return errors.error();
  std::optional<memory_cgroup> memory;
  if (command.memory_max) memory = cgroups.make(*command.memory_max);
  auto spawned = spawn(command, {.input = input->read.get(),
                                 .output = output->write.get(),
                                 .error = errors->write.get(),
                                 .announce = guard == nullptr ? -1 : guard->get(),
                                 .cgroup = memory ? memory->entrance() : -1});
  if (!spawned) return spawned.error();
  if (memory && !cgroups.note_entry(spawned->cgroup_error)) memory.reset();
  if (memory) memory->close_entrance();
  return started_child{std::move(*spawned), std::move(input->write), std::move(output->read), std::move(errors->read),
                       std::move(memory)};
}

}  // namespace

/// What one task wants. The task and the thread share it.
struct child_starter::request {
  request(event_loop& loop, child_command wanted, guard_pipe announced_to)
      : command{std::move(wanted)}, guard{std::move(announced_to)}, answered{loop, "a child process to start"} {}

  child_command command;
  guard_pipe guard;
  std::atomic<bool> withdrawn{false};  ///< the task was cancelled: do not begin
  result<started_child> answer{error{errc::cancelled, "the task was cancelled before the program was started"}};
  // Loop thread.
  wait_point answered;
  bool is_answered{false};  ///< `answer` is the loop's
};

child_starter::~child_starter() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard hold{lock_};
    ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

awaitable<result<started_child>> child_starter::start(child_command command, guard_pipe guard) {
  const auto wanted = std::make_shared<request>(loop_, std::move(command), std::move(guard));
  if (auto handed = hand_over(wanted); !handed) co_return handed.error();
  // The thread may start the program at any moment, so that a cancelled task has to await the answer.
  const bool throws = co_await this_coro::throw_if_cancelled();
  co_await this_coro::throw_if_cancelled(false);
  while (!wanted->is_answered) {
    try {
      co_await wanted->answered.wait();
    } catch (const boost::system::system_error& thrown) {
      if (!is_cancellation(thrown)) throw;
      wanted->withdrawn.store(true, std::memory_order_relaxed);
    }
  }
  co_await this_coro::throw_if_cancelled(throws);
  co_return std::move(wanted->answer);
}

result<> child_starter::hand_over(std::shared_ptr<request> wanted) {
  if (!thread_.joinable()) {
    try {
      thread_ = signal_free_thread("child starter", [this] { run(); });
    } catch (const std::system_error& failure) {
      return error{errc::io, failure.what()};
    }
  }
  {
    const std::lock_guard hold{lock_};
    waiting_.push_back(std::move(wanted));
  }
  changed_.notify_one();
  return {};
}

void child_starter::remove(memory_cgroup&& group) {
  {
    const std::lock_guard hold{lock_};
    to_remove_.push_back(std::move(group));
  }
  changed_.notify_one();
}

void child_starter::run() {
  std::unique_lock hold{lock_};
  bool all_removed = true;
  const auto has_work = [this] { return ending_ || !waiting_.empty() || !to_remove_.empty(); };
  for (;;) {
    if (all_removed)
      changed_.wait(hold, has_work);
    else
      changed_.wait_for(hold, remove_again_after, has_work);
    if (ending_) return;
    std::shared_ptr<request> wanted;
    if (!waiting_.empty()) {
      wanted = std::move(waiting_.front());
      waiting_.pop_front();
    }
    auto groups = std::exchange(to_remove_, {});
    hold.unlock();
    if (wanted != nullptr) answer(wanted);
    for (memory_cgroup& group : groups) cgroups_.remove(std::move(group));
    all_removed = cgroups_.remove_left();
    hold.lock();
  }
}

void child_starter::answer(const std::shared_ptr<request>& wanted) {
  if (!wanted->withdrawn.load(std::memory_order_relaxed)) {
    try {
      wanted->answer = start_now(wanted->command, wanted->guard, cgroups_);
    } catch (const std::exception& failure) {
      wanted->answer = error{errc::io, "a child process cannot be started: " + message_of(failure)};
    }
  }
  wanted->guard.reset();  // the guard ends with its pipe
  loop_.post_from_any_thread([request = wanted] {
    request->is_answered = true;
    request->answered.wake_all();
  });
}

}  // namespace millrace::loop
