#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include <millrace/base/ids.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/executor.hpp>

namespace millrace::loop {

/// The return type of a coroutine of the loop. It runs on the loop's thread. When its task is cancelled, its next await
/// throws `boost::system::system_error` with `operation_aborted`.
template <class T = void>
using awaitable = boost::asio::awaitable<T, executor>;

/// Completion token for Asio operations inside such coroutines: `co_await socket.async_read_some(buffer,
/// use_awaitable)`.
inline constexpr boost::asio::use_awaitable_t<executor> use_awaitable{};

/// Ignores cancellation from here to the end of the task. A cancelled task throws at *every* await, so a task that has
/// to await something after that, for example to send a last message, writes
///
///     bool stopped = false;
///     try {
///       co_await serve(peer);
///     } catch (const boost::system::system_error& e) {
///       if (e.code() != boost::asio::error::operation_aborted) throw;
///       stopped = true;                          // no co_await in a catch block
///     }
///     co_await ignore_cancellation();            // for the whole task, to its end
///     if (stopped) co_await say_goodbye(peer);
///
/// Neither the cancellation before nor a later one has an effect after it: what follows must end by itself.
[[nodiscard]] inline auto ignore_cancellation() {
  return boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
}

/// One row of the list of tasks.
struct task_facts {
  task_id id{};
  std::string name;
  duration age{0};
  std::string_view waits_for;  ///< a string literal: `sleep`, `queue full`, …; `running` while it runs
  std::uint64_t turns{0};      ///< how often it was resumed
  std::string job{};           ///< the name of the job that it works on; empty: none, or a job without a name
  duration job_age{0};         ///< since the task began that job
  std::string progress{};      ///< what a worker process last said of the job that it works on for the task
  std::string creator{};       ///< the name of the task that spawned it; empty: work outside any task did
};

}  // namespace millrace::loop
