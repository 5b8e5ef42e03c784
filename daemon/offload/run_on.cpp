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

/// The error with which a computation on the loop stops between two steps, if it does.
std::optional<error> reason_to_stop(const boost::asio::cancellation_state& cancellation, instant now, instant when) {
  if (cancellation.cancelled() != boost::asio::cancellation_type::none) return cancelled_error();
  if (now >= when) return timed_out_error();
  return std::nullopt;
}

loop::awaitable<result<std::string>> run_on_loop(loop::event_loop& loop, std::unique_ptr<computation> work,
                                                 instant when) {
  for (;;) {
    if (std::optional<result<std::string>> answer = step(*work)) co_return std::move(*answer);
    co_await loop::yield(loop);
    const auto cancellation = co_await boost::asio::this_coro::cancellation_state;
    if (auto stop = reason_to_stop(cancellation, loop.now(), when)) co_return std::move(*stop);
  }
}

}  // namespace

loop::awaitable<result<std::string>> run_on(execution_site site, loop::event_loop& loop, thread_pool& threads,
                                            std::unique_ptr<computation> work, instant when) {
  if (site == execution_site::threads) return threads.run(std::move(work), when);
  return run_on_loop(loop, std::move(work), when);
}

loop::awaitable<result<std::string>> run_on(site_choice& choice, std::size_t body_bytes, loop::event_loop& loop,
                                            thread_pool& threads, std::unique_ptr<computation> work, instant when) {
  duration on_loop{0};
  if (choice.begins_on_loop(body_bytes)) {
    for (;;) {
      const auto began = loop.refresh_now();
      auto answer = step(*work);
      const auto length = loop.refresh_now() - began;
      on_loop += length;
      choice.note_step(length);
      if (answer) {
        choice.note_end(body_bytes, on_loop);
        co_return std::move(*answer);
      }
      if (on_loop >= site_choice::long_work) break;
      co_await loop::yield(loop);
      const auto cancellation = co_await boost::asio::this_coro::cancellation_state;
      if (auto stop = reason_to_stop(cancellation, loop.now(), when)) co_return std::move(*stop);
    }
  }
  duration on_thread{0};
  auto running = threads.run(std::move(work), when, &on_thread);
  auto answer = co_await std::move(running);
  // One that was stopped would have been longer.
  const auto length = on_loop + on_thread;
  const bool stopped =
      answer.has_error() && (answer.error().code == errc::cancelled || answer.error().code == errc::timed_out);
  if (!stopped || length >= site_choice::long_work) choice.note_end(body_bytes, length);
  co_return std::move(answer);
}

}  // namespace millrace::offload
