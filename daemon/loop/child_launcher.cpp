#include "loop/child_launcher.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <string_view>
#include <utility>

#include "base/system_message.hpp"
#include "loop/child_process_parts.hpp"
#include "loop/child_starter.hpp"

namespace millrace::loop {

namespace {

namespace this_coro = boost::asio::this_coro;

constexpr std::array<std::string_view, 8> own_variables{
    "NOTIFY_SOCKET=", "LISTEN_FDS=",   "LISTEN_PID=", "LISTEN_FDNAMES=",
    "WATCHDOG_USEC=", "WATCHDOG_PID=", "MAINPID=",    "JOURNAL_STREAM="};

}  // namespace

struct child_launcher::parts {
  parts(event_loop& owner, std::vector<std::string> guard_command)
      : loop{owner}, family{std::make_shared<child_family>(std::move(guard_command))}, limits{owner}, starter{owner} {
    family->starter = &starter;
  }
  ~parts() { family->starter = nullptr; }
  parts(const parts&) = delete;
  parts& operator=(const parts&) = delete;

  [[nodiscard]] result<child_process> watch(started_child&& started, const guard_pipe& announced_to,
                                            std::string_view program);

  event_loop& loop;
  std::shared_ptr<child_family> family;
  group_watch limits;
  child_starter starter;
};

result<child_process> child_launcher::parts::watch(started_child&& started, const guard_pipe& announced_to,
                                                   std::string_view program) {
  const pid_t id = started.child.id;
  family->guard.begun(id, announced_to);
  auto made = std::make_shared<child_process::parts>(loop, family, id);
  made->program = program.substr(program.rfind('/') + 1);
  if (const auto failure = made->watch(std::move(started))) {
    return error{errc::io, "a child process cannot be watched: " + system_message(failure.value())};
  }
  return child_process{std::move(made)};
}

child_launcher::child_launcher(event_loop& loop, std::vector<std::string> guard_command)
    : parts_{std::make_shared<parts>(loop, std::move(guard_command))} {}

child_launcher::~child_launcher() = default;

awaitable<result<child_process>> child_launcher::start(child_command command) {
  auto& all = *parts_;
  const auto announced_to = all.family->guard.announce_to();
  if (!announced_to) co_return announced_to.error();
  const std::string program = command.arguments.empty() ? "" : command.arguments.front();
  auto starting = all.starter.start(std::move(command), *announced_to);
  auto started = co_await std::move(starting);
  auto child = started ? all.watch(std::move(*started), *announced_to, program) : started.error();
  const auto state = co_await this_coro::cancellation_state;
  const bool is_cancelled = state.cancelled() != boost::asio::cancellation_type::none;
  // A program that runs is killed by the destructor of `child`.
  if (is_cancelled && co_await this_coro::throw_if_cancelled()) {
    throw boost::system::system_error{boost::asio::error::operation_aborted};
  }
  co_return child;
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
