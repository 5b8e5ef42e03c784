#include "handlers/exec_command.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <span>
#include <string_view>
#include <utility>

#include <millrace/base/quantity.hpp>

#include "handlers/quote.hpp"
#include "loop/task_scope.hpp"
#include "loop/thrown.hpp"

namespace millrace::handlers {

namespace {

namespace this_coro = boost::asio::this_coro;

constexpr std::size_t read_bytes = std::size_t{64} * 1024;

/// What the tasks of one command share. It outlives them.
struct running_command {
  loop::child_process& child;
  body input;
  exec_limits limits;
  exec_end ended;
};

/// Records the exceeded limit as the reason why the command ends. False: another reason came first.
bool set_over_limit(running_command& command, std::string text) {
  if (command.ended.cancelled || command.ended.over_limit) return false;
  command.ended.over_limit = std::move(text);
  return true;
}

void on_exceeded(running_command& command, const loop::exceeded_limit& exceeded) {
  if (!set_over_limit(command, exceeded.text)) return;
  // Its memory is wanted back now.
  const bool is_memory = exceeded.resource == loop::exceeded_limit::kind::memory;
  command.child.end(is_memory ? duration::zero() : command.limits.kill_after);
}

/// The watch looks only now and then. What the system counts at the end is exact, but lacks processes that nobody has
/// waited for.
void check_final_usage(running_command& command) {
  exec_end& ended = command.ended;
  if (ended.cancelled || ended.over_limit || ended.failure) return;
  if (ended.exit.memory_exceeded) {
    ended.over_limit = command.child.memory_exceeded_text(command.limits.usage.memory_setting);
    return;
  }
  const auto& max = command.limits.usage.cpu_max;
  if (!max || ended.exit.cpu <= *max) return;
  ended.over_limit = "process " + std::to_string(command.child.id()) + " and its children used " +
                     write_duration(ended.exit.cpu) + " of processor time, more than cpu_max (" + write_duration(*max) +
                     ")";
}

/// False: the limit is exceeded, and the command was asked to end.
bool add_output(running_command& command, std::string_view bytes) {
  std::string& output = command.ended.output;
  const std::size_t max = command.limits.output_max;
  const std::size_t capacity = max + 1 - output.size();
  output.append(bytes.substr(0, capacity));
  // A newline at the very end is not part of the result.
  const bool fits = output.size() <= max || output.back() == '\n';
  if (fits && bytes.size() <= capacity) return true;
  output.resize(max);
  if (set_over_limit(command, "the output of process " + std::to_string(command.child.id()) +
                                  " is longer than output_max (" + write_size(max) + ")")) {
    command.child.end(command.limits.kill_after);
  }
  return false;
}

loop::awaitable<> feed(running_command& command) {
  // A program need not read its input.
  static_cast<void>(co_await command.child.write(command.input.view()));
  command.child.close_input();
}

loop::awaitable<> read_output(running_command& command) {
  std::array<char, read_bytes> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): `read` fills it
  for (;;) {
    const std::size_t bytes = co_await command.child.read(loop::child_stream::output, buffer);
    if (bytes == 0 || !add_output(command, {buffer.data(), bytes})) co_return;
  }
}

loop::awaitable<> read_error(running_command& command) {
  std::array<char, read_bytes> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): `read` fills it
  for (;;) {
    const std::size_t bytes = co_await command.child.read(loop::child_stream::error, buffer);
    if (bytes == 0) co_return;
    command.ended.errors.add({buffer.data(), bytes});
  }
}

/// The command has ended: what it wrote is in the pipes. Processes that left its group may hold them open.
void read_rest(running_command& command) {
  std::array<char, read_bytes> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): `read` fills it
  const auto more = [&](loop::child_stream stream) {
    return std::string_view{buffer.data(), command.child.read_now(stream, buffer)};
  };
  for (auto bytes = more(loop::child_stream::output); !bytes.empty(); bytes = more(loop::child_stream::output)) {
    if (!add_output(command, bytes)) break;
  }
  std::size_t left = read_bytes * 2;
  for (auto bytes = more(loop::child_stream::error); !bytes.empty() && left > 0;
       bytes = more(loop::child_stream::error)) {
    command.ended.errors.add(bytes);
    left -= std::min(left, bytes.size());
  }
}

}  // namespace

result<exec_variable> exec_variable::parse(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) return invalid(quote(text) + " has no name before a `=`");
  auto value = job_template::parse(text.substr(equals + 1));
  if (!value) return value.error();
  return exec_variable{std::string{text.substr(0, equals)}, std::move(*value)};
}

loop::awaitable<exec_end> run_command(loop::event_loop& loop, loop::group_watch& watch, loop::child_process& child,
                                      body input, exec_limits limits) {
  running_command command{child, std::move(input), limits, {}};
  auto watched_limits = limits.usage;
  if (child.has_memory_cgroup()) watched_limits.memory_max.reset();
  const auto watched = watch.add(child.id(), watched_limits,
                                 [&command](const loop::exceeded_limit& exceeded) { on_exceeded(command, exceeded); });
  if (!watched) {
    command.ended.failure = watched.error();
    child.kill();
  }
  loop::task_scope streams{loop};
  streams.spawn("input of a command", feed(command));
  streams.spawn("output of a command", read_output(command));
  streams.spawn("errors of a command", read_error(command));
  // A cancelled task has to await the end of the command. Its state stays cancelled for the caller.
  const bool throws = co_await this_coro::throw_if_cancelled();
  co_await this_coro::throw_if_cancelled(false);
  std::exception_ptr failure;
  bool joined = false;
  while (!joined) {
    try {
      co_await child.ended();
      streams.cancel();
      co_await streams.join();
      joined = true;
    } catch (...) {
      const auto thrown = std::current_exception();
      if (!loop::is_cancellation(thrown)) {
        failure = thrown;
        child.kill();
      } else if (!child.exit()) {
        if (!command.ended.over_limit) command.ended.cancelled = true;
        child.end(limits.kill_after);
      }
    }
  }
  if (failure) std::rethrow_exception(failure);
  co_await this_coro::throw_if_cancelled(throws);
  read_rest(command);
  command.ended.exit = *child.exit();
  check_final_usage(command);
  co_return std::move(command.ended);
}

}  // namespace millrace::handlers
