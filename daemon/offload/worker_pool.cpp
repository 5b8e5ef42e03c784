#include "offload/worker_pool.hpp"

#include <algorithm>
#include <utility>

#include "base/utf8.hpp"
#include "loop/loop_core.hpp"
#include "loop/trace_recorder.hpp"
#include "offload/worker_process.hpp"

namespace millrace::offload {

namespace {

/// Makes the line of a large body on the thread where it runs.
class writing_line final : public computation {
 public:
  explicit writing_line(worker_task& task) : task_{task} {}
  progress step() override {
    write_line(task_);
    return progress::done;
  }
  result<std::string> take_result() override { return std::string{}; }

 private:
  worker_task& task_;
};

}  // namespace

void worker_request::note_progress(std::string_view text) {
  caller.progress = to_utf8(utf8_prefix(text, progress_bytes_max));
  constexpr char printable_min = 0x20;
  for (char& character : caller.progress) {
    if (character >= 0 && character < printable_min) character = ' ';
  }
}

worker_pool::worker_pool(const worker_context& context, worker_settings settings)
    : context_{context}, settings_{std::move(settings)} {
  if (settings_.name.empty() && !settings_.command.arguments.empty()) {
    const std::string& program = settings_.command.arguments.front();
    settings_.name = program.substr(program.find_last_of('/') + 1);
  }
  if (settings_.description.empty()) settings_.description = "the worker " + settings_.name;
}

worker_pool::~worker_pool() = default;

loop::awaitable<worker_answer> worker_pool::run(worker_task task) {
  /// The task leaves the pool with the frame, whatever ends it.
  struct membership {
    ~membership() {
      if (!request.answer) pool.withdraw(request);
    }
    worker_pool& pool;
    worker_request& request;
  };
  if (context_.threads != nullptr && task.content.size() > on_loop_bytes_max) {
    auto writing = context_.threads->run(std::make_unique<writing_line>(task));
    const auto written = co_await std::move(writing);
    // Without a line it is written on the loop.
    if (written.has_error()) {
      task.line.clear();
      co_await loop::yield(context_.loop);  // throws where the task was cancelled
    }
  }
  worker_request request{context_.loop, std::move(task)};
  request.since = context_.loop.now();
  if (auto* const trace = context_.loop.core().trace) request.submitter = trace->current_lane();
  if (workers_.empty()) start();
  // No worker that can take this task can take one that waits: `offer` has tried all of those.
  worker_process* best = nullptr;
  for (const auto& worker : workers_) {
    if (!worker->can_take(request.task.id)) continue;
    if (best == nullptr || worker->jobs() < best->jobs()) best = worker.get();
  }
  if (best != nullptr) {
    hand_over(request, *best);
  } else {
    waiting_.push_back(request);
    ++context_.counts.pool.pending;
  }
  const membership in_pool{*this, request};
  while (!request.answer) co_await request.answered.wait();
  co_return std::move(*request.answer);
}

void worker_pool::close() {
  closing_ = true;
  for (const auto& worker : workers_) worker->stop();
}

void worker_pool::start() {
  workers_.reserve(settings_.workers);
  for (unsigned number = 1; number <= settings_.workers; ++number) {
    auto task_name = "worker " + name() + '#' + std::to_string(number);
    auto& worker = *workers_.emplace_back(std::make_unique<worker_process>(*this, std::move(task_name)));
    context_.tasks.spawn(worker.name(), worker.run(shared_from_this()));
  }
}

void worker_pool::offer(worker_process& worker) {
  // The first one that the worker can take: it may still have an earlier attempt of the others.
  for (auto* request = waiting_.first(); request != nullptr;) {
    auto* const next = linked_list<worker_request>::next(*request);
    if (worker.can_take(request->task.id)) {
      waiting_.remove(*request);
      --context_.counts.pool.pending;
      hand_over(*request, worker);
    } else if (!worker.has_capacity()) {
      return;
    }
    request = next;
  }
}

void worker_pool::hand_over(worker_request& request, worker_process& worker) {
  context_.counts.pool.wait.observe(age(request.since, context_.loop.now()));
  worker.take(request);
}

void worker_pool::withdraw(worker_request& request) {
  if (request.holder != nullptr) return request.holder->abandon(request);
  waiting_.remove(request);
  --context_.counts.pool.pending;
}

void worker_pool::note_start_failure(const std::string& problem) {
  auto* const request = waiting_.first();
  if (request == nullptr) return;
  if (std::ranges::any_of(workers_, [](const auto& worker) { return worker->has_process(); })) return;
  waiting_.remove(*request);
  --context_.counts.pool.pending;
  request->finish(
      {.type = worker_answer::kind::interrupted, .text = settings_.description + " could not be started: " + problem});
}

}  // namespace millrace::offload
