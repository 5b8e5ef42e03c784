#include "offload/thread_pool_worker.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <exception>
#include <utility>

#include "loop/signal_free_thread.hpp"
#include "offload/own_answer.hpp"

namespace millrace::offload {

namespace {

instant read_clock() noexcept { return std::chrono::steady_clock::now(); }

// Not std::atomic::wait, which spins and yields before it sleeps: on a busy machine this takes time from the loop.
static_assert(std::atomic<std::uint32_t>::is_always_lock_free &&
              sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));

void sleep_while(std::atomic<std::uint32_t>& word, std::uint32_t value) noexcept {
  ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}

void wake_sleeper(std::atomic<std::uint32_t>& word) noexcept {
  ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

}  // namespace

thread_pool_worker::thread_pool_worker(loop::mailbox& to_loop, const std::string& name)
    : to_loop_{to_loop}, name_{name} {
  thread_ = loop::signal_free_thread(name, [this] { serve(); });
}

thread_pool_worker::~thread_pool_worker() {
  ended_.store(true, std::memory_order_release);
  wake();
  thread_.join();
}

void thread_pool_worker::hand_out(pool_request& request) {
  const bool has_space = waiting_.push(&request);
  assert(has_space);
  static_cast<void>(has_space);
}

void thread_pool_worker::wake() noexcept {
  // Both sides exchange, so that the second one sees what the first one wrote, and no request is left waiting.
  if (asleep_.exchange(0, std::memory_order_seq_cst) != 0) wake_sleeper(asleep_);
}

void thread_pool_worker::serve() {
  now_ = read_clock();
  while (pool_request* const request = next()) compute(*request);
}

pool_request* thread_pool_worker::next() {
  pool_request* request = nullptr;
  if (waiting_.pop(request)) return request;
  if (unreported_) report();
  for (;;) {
    if (before_sleep_.until([&] { return waiting_.pop(request); })) {
      now_ = read_clock();
      return request;
    }
    asleep_.exchange(1, std::memory_order_seq_cst);
    if (waiting_.read_available() == 0) {
      if (ended_.load(std::memory_order_acquire)) return nullptr;
      const instant before = read_clock();
      sleep_while(asleep_, 1);
      before_sleep_.slept(read_clock() - before);
    }
    asleep_.store(0, std::memory_order_seq_cst);
  }
}

void thread_pool_worker::compute(pool_request& request) {
  request.begun = now_;
  run_steps(request);
  request.work.reset();
  now_ = read_clock();
  request.spent = now_ - request.begun;
  give(request);
}

void thread_pool_worker::run_steps(pool_request& request) {
  using reason = pool_request::stop_reason;
  try {
    for (;;) {
      // No fetch_add, which would lock the bus at each step: no other thread writes.
      steps_.store(steps() + 1, std::memory_order_relaxed);
      const reason stop = request.stop.load(std::memory_order_relaxed);
      if (stop == reason::timed_out) {
        request.answer = timed_out_error();
        return;
      }
      if (stop == reason::cancelled) {
        request.answer = cancelled_error();
        return;
      }
      if (request.work->step() == progress::done) {
        request.answer = own_answer(*request.work);
        return;
      }
      const instant now = read_clock();
      if (now - request.begun >= long_work) send_back_others();
      if (unreported_ && now - unreported_since_ >= chunk_work_wanted) report();
    }
  } catch (const std::exception& thrown) {
    request.answer = invalid(thrown.what());
  } catch (...) {
    request.answer = invalid("the computation threw something that is no std::exception");
  }
}

void thread_pool_worker::send_back_others() {
  pool_request* other = nullptr;
  bool some = false;
  while (waiting_.pop(other)) {
    other->sent_back = true;
    ready_.push(other);
    some = true;
  }
  if (some) report();
}

void thread_pool_worker::give(pool_request& request) {
  const bool ends_chunk = request.ends_chunk;  // the request may be destroyed once it is in the ring
  const bool has_space = ready_.push(&request);
  assert(has_space);
  static_cast<void>(has_space);
  if (!std::exchange(unreported_, true)) unreported_since_ = now_;
  if (ends_chunk || now_ - unreported_since_ >= chunk_work_wanted) report();
}

void thread_pool_worker::report() noexcept {
  unreported_ = false;
  to_loop_.ring();
}

}  // namespace millrace::offload
