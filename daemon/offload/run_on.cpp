#include "offload/run_on.hpp"

#include <boost/asio/this_coro.hpp>
#include <exception>
#include <optional>
#include <utility>

#include <millrace/loop/deadline.hpp>

#include "offload/own_answer.hpp"

namespace millrace::offload {

namespace {

/// One step; an answer when it was the last one.
std::optional<result<std::string>> step(computation& work) {
  try {
    if (work.step() == progress::more) return std::nullopt;
    return own_answer(work);
  } catch (const std::exception& thrown) {
    return invalid(thrown.what());
  } catch (...) {
    return invalid("the computation threw something that is no std::exception");
  }
}

loop::awaitable<result<std::string>> run_on_loop(loop::event_loop& loop, std::unique_ptr<computation> work,
                                                 instant when) {
  for (;;) {
    if (std::optional<result<std::string>> answer = step(*work)) co_return std::move(*answer);
    co_await loop::yield(loop);
    const auto cancellation = co_await boost::asio::this_coro::cancellation_state;
    if (cancellation.cancelled() != boost::asio::cancellation_type::none) co_return cancelled_error();
    if (loop.now() >= when) co_return timed_out_error();
  }
}

}  // namespace

loop::awaitable<result<std::string>> run_on(execution_site site, loop::event_loop& loop, thread_pool& threads,
                                            std::unique_ptr<computation> work, instant when) {
  if (site == execution_site::threads) return threads.run(std::move(work), when);
  return run_on_loop(loop, std::move(work), when);
}

}  // namespace millrace::offload
