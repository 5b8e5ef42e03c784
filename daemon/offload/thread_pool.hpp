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

/// Worker threads for computations. The backlog stays on the loop, where cancelling and limits are cheap; each worker
/// has one single-producer ring each way (Boost.Lockfree) and sleeps on a futex when its ring is empty; results come
/// back through one mailbox, many a wake-up. Short computations travel in chunks of about 50 µs of measured work; a
/// worker that finds itself in a long one sends back what waits behind it.
///
/// Loop thread only. While open it keeps the loop running. Its destructor closes it if it is open and joins the
/// threads; all requests must have completed (asserted); running computations are stopped at their next step. The
/// constructor throws std::system_error when a thread cannot be started.
class thread_pool {
 public:
  thread_pool(loop::event_loop& loop, const pool_options& options);
  ~thread_pool();
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;

  /// Runs all steps on a worker. Suspends until it has come out; callers beyond the backlog's limit count as held. The
  /// error is `cancelled` when the caller's task was cancelled or the pool closed and `timed_out` when `when` came
  /// first: in all cases the computation has stopped, between two steps, before this returns. An exception of a step is
  /// an `invalid` error with its text; so is an error of the computation itself with one of these two codes.
  loop::awaitable<result<std::string>> run(std::unique_ptr<computation> work, instant when = never);

  /// The same for those who have no coroutine to suspend.
  void submit(pool_request& request);
  /// Asks it to stop; it completes soon, with the error `cancelled` unless it was quicker. Nothing if it is not in the
  /// pool.
  void cancel(pool_request& request);

  /// Stops what runs and refuses what comes; lets the loop end.
  void close();

  [[nodiscard]] const pool_counts& counts() const noexcept;
  /// Callers that came while the backlog was full, until a place in it is theirs.
  [[nodiscard]] const loop::backpressure& held() const noexcept;

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace millrace::offload
