#pragma once

#include <memory>
#include <string>

#include <millrace/loop/event_loop.hpp>
#include <millrace/offload/computation.hpp>

#include "loop/backpressure.hpp"
#include "offload/options.hpp"
#include "offload/pool_counts.hpp"
#include "offload/pool_request.hpp"

namespace millrace::offload {

/// Runs computations on worker threads. The backlog stays on the loop, where cancelling and limits are cheap. Each
/// worker has a single-producer ring in each direction (Boost.Lockfree) and sleeps on a futex when its ring is empty.
/// Results return through one mailbox, many for each wake-up. Short computations travel in chunks of about 50 µs of
/// measured work. A worker that finds itself in a long computation sends the requests behind it back.
///
/// Loop thread only. While open it keeps the loop running. After `close`, running computations stop at their next step.
/// The destructor closes it and joins the threads. Requires: all requests have completed when it is destroyed. The
/// constructor throws std::system_error when a thread cannot be started.
class thread_pool {
 public:
  thread_pool(loop::event_loop& loop, const pool_options& options);
  ~thread_pool();
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;

  /// Runs all steps on a worker and returns the result. Callers beyond the limit of the backlog count as held. The
  /// error `cancelled`: the task was cancelled or the pool closed; `timed_out`: `when` came first. In both cases the
  /// computation has stopped between two steps. An exception of a step becomes an `invalid` error with its text; so
  /// does an error of the computation itself with one of these two codes.
  /// `spent`, if it is not null, outlives the await and becomes the time that the steps took.
  loop::awaitable<result<std::string>> run(std::unique_ptr<computation> work, instant when = never,
                                           duration* spent = nullptr);

  /// The same for callers without a coroutine.
  void submit(pool_request& request);
  /// Asks a request to stop. It completes soon, with the error `cancelled` unless it was done before. No effect when it
  /// is not in the pool.
  void cancel(pool_request& request);

  /// Workers that have requests and have begun no step since the last `mark_progress`. One that stays among them is in
  /// a step that does not return. A long computation begins a new step every few milliseconds.
  [[nodiscard]] std::size_t workers_without_progress() const noexcept;
  void mark_progress() noexcept;

  /// Stops running computations and refuses new ones. Lets the loop end.
  void close();

  [[nodiscard]] const pool_counts& counts() const noexcept;
  /// Callers that submitted while the backlog was full, until it has capacity for them.
  [[nodiscard]] const loop::backpressure& held() const noexcept;

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::offload
