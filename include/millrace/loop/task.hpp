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

/// What a coroutine of the loop returns. Runs on the loop's thread only; cancelling the task it belongs to makes its next
/// await throw `boost::system::system_error` with `operation_aborted`.
template <class T = void>
using awaitable = boost::asio::awaitable<T, executor>;

/// Completion token for Asio operations inside such coroutines: `co_await socket.async_read_some(buffer, use_awaitable)`.
inline constexpr boost::asio::use_awaitable_t<executor> use_awaitable{};

/// For a last word after cancellation. A cancelled task throws at *every* await, so before it can await again it has to say
///
///     bool stopped = false;
///     try {
///       co_await serve(peer);
///     } catch (const boost::system::system_error& e) {
///       if (e.code() != boost::asio::error::operation_aborted) throw;
///       stopped = true;                          // no co_await in a catch block
///     }
///     co_await from_here_undisturbed();          // for the whole task, to its end
///     if (stopped) co_await say_goodbye(peer);
///
/// From there on neither the cancellation that was nor a later one is noticed: what follows must end by itself.
[[nodiscard]] inline auto from_here_undisturbed() {
  return boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
}

/// One line of the list of tasks.
struct task_facts {
  task_id id{};
  std::string name;
  duration age{0};
  std::string_view
      waits_for;  ///< a static string set by the loop's primitives: `sleep`, `queue full`, …; `running` while it runs
  std::uint64_t turns{0};  ///< times it was resumed
};

}  // namespace millrace::loop
