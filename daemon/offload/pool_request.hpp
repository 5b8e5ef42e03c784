#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>
#include <millrace/loop/due_entry.hpp>
#include <millrace/offload/computation.hpp>

namespace millrace::offload {

/// One computation in a pool. Owned by the caller, who must not move it between `submit` and `completed`. The pool
/// links it into its queues, so that submitting allocates nothing. Only one thread at a time uses it, except `stop`.
class pool_request {
 public:
  pool_request(std::unique_ptr<computation> what, instant latest) noexcept : work{std::move(what)}, when{latest} {}
  virtual ~pool_request() = default;
  pool_request(const pool_request&) = delete;
  pool_request& operator=(const pool_request&) = delete;

  /// Called on the loop's thread when `answer` is set and the pool no longer uses the request. May destroy the request
  /// and submit others; must not throw.
  virtual void completed() noexcept = 0;

  std::unique_ptr<computation> work;  ///< null when `completed`
  instant when;
  result<std::string> answer{error{errc::cancelled, "not computed"}};

 private:
  friend class thread_pool;
  friend class thread_pool_worker;
  friend class request_line;

  enum class stop_reason : std::uint8_t { none, cancelled, timed_out };
  enum class place : std::uint8_t { outside, waiting, with_worker };

  std::atomic<stop_reason> stop{stop_reason::none};
  place where{place::outside};
  bool held{false};        ///< submitted while the backlog was full
  bool ends_chunk{false};  ///< the last request of a chunk
  bool sent_back{false};   ///< not begun: the worker is in a long computation
  instant handed_in{};
  instant begun{};
  duration spent{0};
  loop::due_entry limit;
  pool_request* before{nullptr};
  pool_request* after{nullptr};
};

/// A FIFO of waiting requests. Owns none of them.
class request_line {
 public:
  void push_back(pool_request& request) noexcept { link(request, last_, nullptr); }
  void push_front(pool_request& request) noexcept { link(request, nullptr, first_); }
  void remove(pool_request& request) noexcept {
    (request.before == nullptr ? first_ : request.before->after) = request.after;
    (request.after == nullptr ? last_ : request.after->before) = request.before;
    --size_;
  }

  [[nodiscard]] pool_request* first() const noexcept { return first_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  void link(pool_request& request, pool_request* before, pool_request* after) noexcept {
    request.before = before;
    request.after = after;
    (before == nullptr ? first_ : before->after) = &request;
    (after == nullptr ? last_ : after->before) = &request;
    ++size_;
  }

  pool_request* first_{nullptr};
  pool_request* last_{nullptr};
  std::size_t size_{0};
};

}  // namespace millrace::offload
