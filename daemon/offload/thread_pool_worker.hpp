#pragma once

#include <atomic>
#include <boost/lockfree/policies.hpp>
#include <boost/lockfree/spsc_queue.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>

#include <millrace/base/time.hpp>

#include "loop/adaptive_spin.hpp"
#include "loop/mailbox.hpp"
#include "loop/trace_lane.hpp"
#include "offload/pool_request.hpp"

namespace millrace::offload {

/// The most requests in one chunk.
inline constexpr std::size_t chunk_requests_max = 64;
/// The most chunks of one worker: the one in progress and one ready.
inline constexpr std::size_t chunks_a_worker_max = 2;
/// The amount of measured work that a chunk should have.
inline constexpr duration chunk_work_wanted = std::chrono::microseconds{50};
/// A worker in a computation longer than this sends the requests behind it back, so that another worker gets them.
inline constexpr duration long_work = std::chrono::microseconds{500};

/// One thread of a pool with its two rings. Owned by the pool, whose loop thread alone hands out and collects. The
/// destructor stops the thread when it has computed the requests in its ring.
class thread_pool_worker {
 public:
  /// Rings `to_loop` when results are ready.
  thread_pool_worker(loop::mailbox& to_loop, const std::string& name);
  ~thread_pool_worker();  ///< stops and joins the thread
  thread_pool_worker(const thread_pool_worker&) = delete;
  thread_pool_worker& operator=(const thread_pool_worker&) = delete;

  /// Loop thread. Requires: at most `chunks_a_worker_max` chunks are out.
  void hand_out(pool_request& request);
  /// Loop thread, after some `hand_out`s: wakes the thread if it sleeps.
  void wake() noexcept;
  /// Loop thread: takes the requests that came back since the last call.
  template <class Take>
  void collect(Take&& take) {
    ready_.consume_all(take);
  }

  /// Steps that the thread has begun. Any thread.
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_.load(std::memory_order_relaxed); }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  // State of this worker that only the loop uses.
  loop::trace_lane lane;
  std::size_t requests_out{0};
  std::size_t chunks_out{0};
  bool in_long_work{false};       ///< it has sent requests back and not finished one since
  std::uint64_t marked_steps{0};  ///< `steps` at the last `thread_pool::mark_progress`

 private:
  static constexpr std::size_t ring_entries = chunk_requests_max * chunks_a_worker_max + 1;
  using ring = boost::lockfree::spsc_queue<pool_request*, boost::lockfree::capacity<ring_entries>>;

  void serve();
  pool_request* next();
  void compute(pool_request& request);
  void run_steps(pool_request& request);
  void send_back_others();
  void give(pool_request& request);
  void report() noexcept;

  loop::mailbox& to_loop_;
  std::string name_;
  ring waiting_;
  ring ready_;
  std::atomic<std::uint32_t> asleep_{0};
  std::atomic<bool> ended_{false};
  std::atomic<std::uint64_t> steps_{0};  ///< written by the thread only
  // Used by the thread only.
  instant now_{};
  instant unreported_since_{};
  bool unreported_{false};
  loop::adaptive_spin before_sleep_;
  std::thread thread_;
};

}  // namespace millrace::offload
