#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <millrace/base/linked_list.hpp>
#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/due_entry.hpp>
#include <millrace/offload/computation.hpp>

#include "loop/trace_lane.hpp"

namespace millrace::offload {

/// One computation in a pool. Owned by the caller, who must not move it between `submit` and `completed`. The pool
/// links it into its queues, so that submitting allocates nothing. Only one thread at a time uses it, except `stop`.
class pool_request : public list_link<pool_request> {
 public:
  pool_request(std::unique_ptr<computation> body, instant latest) noexcept : work{std::move(body)}, when{latest} {}
  virtual ~pool_request() = default;
  pool_request(const pool_request&) = delete;
  pool_request& operator=(const pool_request&) = delete;

  /// Called on the loop's thread when `answer` is set and the pool no longer uses the request. May destroy the request
  /// and submit others; must not throw.
  virtual void completed() noexcept = 0;

  /// Of all steps. Requires: it has completed.
  [[nodiscard]] duration time_spent() const noexcept { return spent; }

  std::unique_ptr<computation> work;  ///< null when `completed`
  instant when;
  result<std::string> answer{error{errc::cancelled, "not computed"}};

 private:
  friend class thread_pool;
  friend class thread_pool_worker;

  enum class stop_reason : std::uint8_t { none, cancelled, timed_out };
  enum class state : std::uint8_t { outside, waiting, with_worker };

  std::atomic<stop_reason> stop{stop_reason::none};
  state current{state::outside};
  bool held{false};        ///< submitted while the backlog was full
  bool ends_chunk{false};  ///< the last request of a chunk
  bool sent_back{false};   ///< not begun: the worker is in a long computation
  instant handed_in{};
  instant begun{};
  duration spent{0};
  loop::due_entry limit;
  loop::trace_lane submitter;  ///< while a trace runs
};

}  // namespace millrace::offload
