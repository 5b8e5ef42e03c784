#include "offload/thread_pool.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <thread>
#include <utility>
#include <vector>

#include "loop/gate.hpp"
#include "loop/loop_core.hpp"
#include "loop/mailbox.hpp"
#include "loop/parked.hpp"
#include "loop/trace_recorder.hpp"
#include "offload/own_answer.hpp"
#include "offload/thread_pool_worker.hpp"

namespace millrace::offload {

namespace {

/// For computations longer than this, a second chunk that waits at a worker gains little and delays much.
constexpr duration estimate_for_two_chunks = std::chrono::milliseconds{1};
/// For computations of at most this length, the loop polls for results before it blocks.
constexpr duration estimate_to_look_for = std::chrono::microseconds{5};
/// Limits how much one long computation among short ones changes the estimate.
constexpr duration estimate_step_max = std::chrono::milliseconds{10};
constexpr int estimate_memory = 8;

}  // namespace

struct thread_pool::parts final : loop::ready_entry {
  using stop_reason = pool_request::stop_reason;

  parts(loop::event_loop& owner, const pool_options& options) : loop{owner}, backlog_max{options.backlog_max} {
    const std::size_t threads =
        options.threads != 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
    for (std::size_t n = 1; n <= threads; ++n) {
      workers.push_back(std::make_unique<thread_pool_worker>(from_workers, "offload " + std::to_string(n)));
    }
    counts.workers = static_cast<std::uint32_t>(threads);
  }

  void submit(pool_request& request) {
    assert(loop.core().on_loop_thread() && request.current == pool_request::state::outside);
    if (!requests.try_enter()) {
      request.answer = error{errc::cancelled, "the pool is closed"};
      return request.completed();
    }
    request.handed_in = loop.now();
    if (auto* const trace = loop.core().trace) request.submitter = trace->current_lane();
    if (request.when != never) {
      request.limit.on_due = [this, &request] { stop(request, stop_reason::timed_out); };
      loop.core().deadlines.set(request.limit, request.when);
    }
    request.held = waiting.size() >= backlog_max;
    if (request.held) held.begin(request.handed_in);
    if (request.held && first_held == nullptr) first_held = &request;
    request.current = pool_request::state::waiting;
    waiting.push_back(request);
    hand_out_soon();
  }

  void stop(pool_request& request, stop_reason reason) {
    if (request.current == pool_request::state::waiting) {
      leave_waiting(request);
      give_up(request, reason);
    } else if (request.current == pool_request::state::with_worker &&
               request.stop.load(std::memory_order_relaxed) == stop_reason::none) {
      request.stop.store(reason, std::memory_order_relaxed);
    }
  }

  /// Completes a request that no worker has begun.
  void give_up(pool_request& request, stop_reason reason) {
    request.answer = reason == stop_reason::timed_out ? timed_out_error() : cancelled_error();
    request.work.reset();
    complete(request);
  }

  void complete(pool_request& request) {
    request.current = pool_request::state::outside;
    loop.core().deadlines.clear(request.limit);
    requests.leave();
    request.completed();
  }

  /// Held requests are the last in the queue. When any request leaves, the first held one is no longer held.
  void leave_waiting(pool_request& request) {
    pool_request* const freed = request.held ? &request : first_held;
    if (freed != nullptr) {
      freed->held = false;
      held.end(freed->handed_in, loop.now());
      if (first_held == freed) first_held = waiting.next(*freed);
    }
    waiting.remove(request);
  }

  /// Hands out after everything that is ready now, so that the requests of one turn share chunks.
  void hand_out_soon() {
    if (!std::exchange(handing_out, true)) loop.core().ready.push(*this);
  }

  void resume() override {
    handing_out = false;
    while (!waiting.empty()) {
      thread_pool_worker* const worker = least_busy();
      if (worker == nullptr) break;
      hand_out_chunk(*worker);
    }
  }

  [[nodiscard]] std::size_t chunks_a_worker() const noexcept {
    return estimate <= estimate_for_two_chunks ? chunks_a_worker_max : 1;
  }

  thread_pool_worker* least_busy() {
    thread_pool_worker* best = nullptr;
    for (const auto& worker : workers) {
      if (worker->in_long_work || worker->chunks_out >= chunks_a_worker()) continue;
      if (best == nullptr || worker->chunks_out < best->chunks_out) best = worker.get();
    }
    return best;
  }

  void hand_out_chunk(thread_pool_worker& worker) {
    const auto by_work = static_cast<std::size_t>(chunk_work_wanted / std::max(estimate, duration{1}));
    const std::size_t free_chunks = std::max<std::size_t>(1, workers.size() * chunks_a_worker() - chunks_out());
    const std::size_t fair_share = (waiting.size() + free_chunks - 1) / free_chunks;
    const std::size_t count = std::clamp<std::size_t>(std::min(by_work, fair_share), 1, chunk_requests_max);
    for (std::size_t left = count; left > 0; --left) {
      pool_request& request = *waiting.first();
      leave_waiting(request);
      request.current = pool_request::state::with_worker;
      request.ends_chunk = left == 1;
      request.sent_back = false;
      with_workers.push_back(request);
      worker.hand_out(request);
    }
    ++worker.chunks_out;
    worker.requests_out += count;
    from_workers.expect_soon(estimate <= estimate_to_look_for);
    worker.wake();
  }

  [[nodiscard]] std::size_t chunks_out() const noexcept {
    std::size_t sum = 0;
    for (const auto& worker : workers) sum += worker->chunks_out;
    return sum;
  }

  void collect() {
    for (const auto& worker : workers) {
      worker->collect([&](pool_request* request) { take_back(*worker, *request); });
    }
    // In reverse, so that the queue gets its former order.
    while (!sent_back.empty()) {
      pool_request& request = *std::exchange(sent_back.back(), nullptr);
      sent_back.pop_back();
      request.current = pool_request::state::waiting;
      waiting.push_front(request);
      if (requests.closed()) stop(request, stop_reason::cancelled);
    }
    if (!waiting.empty()) hand_out_soon();
    if (with_workers.empty()) from_workers.expect_soon(false);
    close_when_empty();
  }

  void take_back(thread_pool_worker& worker, pool_request& request) {
    with_workers.remove(request);
    --worker.requests_out;
    if (request.ends_chunk) --worker.chunks_out;
    worker.in_long_work = request.sent_back;
    if (request.sent_back) {
      const stop_reason reason = request.stop.load(std::memory_order_relaxed);
      if (reason != stop_reason::none) return give_up(request, reason);
      return sent_back.push_back(&request);
    }
    estimate += (std::min(request.spent, estimate_step_max) - estimate) / estimate_memory;
    counts.busy_nanoseconds.add(static_cast<std::uint64_t>(request.spent.count()));
    counts.wait.observe(std::max(request.begun - request.handed_in, duration::zero()));
    if (auto* const trace = loop.core().trace) {
      const auto begun = std::max(request.begun, request.handed_in);
      trace->thread_worked(worker.lane, worker.name(), request.submitter, begun, request.spent);
    }
    complete(request);
  }

  void close() {
    if (!requests.close()) return;
    while (!waiting.empty()) stop(*waiting.first(), stop_reason::cancelled);
    for (pool_request* each = with_workers.first(); each != nullptr; each = with_workers.next(*each))
      stop(*each, stop_reason::cancelled);
    close_when_empty();
  }

  void close_when_empty() {
    if (requests.closed() && requests.inside() == 0) from_workers.close();
  }

  loop::event_loop& loop;
  std::size_t backlog_max;
  loop::gate requests{loop, "computations to end"};
  bool handing_out{false};
  duration estimate{chunk_work_wanted};  ///< of one computation; at first, so that a chunk has one
  linked_list<pool_request> waiting;
  pool_request* first_held{nullptr};
  linked_list<pool_request> with_workers;
  std::vector<pool_request*> sent_back;
  pool_counts counts;
  loop::backpressure held;
  loop::mailbox from_workers{loop, [this] { collect(); }};
  std::vector<std::unique_ptr<thread_pool_worker>> workers;
};

namespace {

/// The request of a coroutine. It is in the frame of the coroutine, which it wakes.
struct coroutine_request final : pool_request {
  using pool_request::pool_request;
  void completed() noexcept override { caller->wake(); }

  loop::parked* caller{nullptr};
};

struct coroutine_caller final : loop::parked {
  coroutine_caller(loop::event_loop& loop, thread_pool& target, coroutine_request& owned)
      : parked{loop.core()}, pool{&target}, request{&owned} {}

  void operator()(parked::handler&& suspended) {
    hold(std::move(suspended), "an offload worker");
    request->caller = this;
    pool->submit(*request);
  }
  void leave() noexcept override {}
  /// Waits on, because the computation must stop first.
  void cancelled() override { pool->cancel(*request); }

  thread_pool* pool;
  coroutine_request* request;
};

}  // namespace

thread_pool::thread_pool(loop::event_loop& loop, const pool_options& options)
    : parts_{std::make_unique<parts>(loop, options)} {}

thread_pool::~thread_pool() {
  close();
  assert(parts_->requests.inside() == 0 && !parts_->handing_out);
}

loop::awaitable<result<std::string>> thread_pool::run(std::unique_ptr<computation> work, instant when,
                                                      duration* spent) {
  coroutine_request request{std::move(work), when};
  coroutine_caller caller{parts_->loop, *this, request};
  co_await loop::park(std::move(caller));
  if (spent != nullptr) *spent = request.time_spent();
  co_return std::move(request.answer);
}

void thread_pool::submit(pool_request& request) { parts_->submit(request); }

void thread_pool::cancel(pool_request& request) { parts_->stop(request, pool_request::stop_reason::cancelled); }

std::size_t thread_pool::workers_without_progress() const noexcept {
  const auto& workers = parts_->workers;
  return static_cast<std::size_t>(std::count_if(workers.begin(), workers.end(), [](const auto& worker) {
    return worker->requests_out > 0 && worker->steps() == worker->marked_steps;
  }));
}

void thread_pool::mark_progress() noexcept {
  for (const auto& worker : parts_->workers) worker->marked_steps = worker->steps();
}

void thread_pool::close() { parts_->close(); }

const pool_counts& thread_pool::counts() const noexcept {
  pool_counts& counts = parts_->counts;
  counts.busy = 0;
  counts.pending = parts_->waiting.size();
  for (const auto& worker : parts_->workers) {
    if (worker->requests_out == 0) continue;
    ++counts.busy;
    counts.pending += worker->requests_out - 1;
  }
  return counts;
}

const loop::backpressure& thread_pool::held() const noexcept { return parts_->held; }

}  // namespace millrace::offload
