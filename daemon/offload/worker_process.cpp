#include "offload/worker_process.hpp"

#include <algorithm>
#include <utility>

#include <millrace/base/quantity.hpp>

#include "base/log.hpp"
#include "loop/loop_core.hpp"
#include "loop/trace_recorder.hpp"

namespace millrace::offload {

worker_process::worker_process(worker_pool& pool, std::string name)
    : pool_{pool},
      loop_{pool.context().loop},
      name_{std::move(name)},
      abandoned_due_{
          loop_, [this] { end_running(worker_end::cancelled, "it went on with a job that was cancelled or late"); }},
      end_due_{loop_,
               [this] {
                 const bool was_replaced = phase_ == phase::replaced;
                 end_running(
                     was_replaced ? worker_end::recycled : worker_end::protocol,
                     was_replaced ? "it did not end with its input" : "it closed its input or output and did not end");
               }},
      recycle_due_{loop_, [this] { stop_taking(); }},
      pause_over_{loop_, "pause before a worker starts"} {}

worker_process::~worker_process() = default;

// --- the life of the processes, one after another --------------------------------------------------------------------

// NOLINTNEXTLINE(performance-unnecessary-value-param): the frame keeps the pool
loop::awaitable<> worker_process::run(std::shared_ptr<worker_pool> pool) {
  restart_pause pauses;
  while (!pool->closing()) {
    const instant began = loop_.now();
    auto command = pool->settings().command;
    command.memory_max = pool->settings().memory_max;
    auto starting = pool->context().children.start(std::move(command));
    auto started = co_await std::move(starting);
    ending ended;
    if (started) {
      begin(std::move(*started));
      auto serving = serve();
      ended = co_await std::move(serving);
    } else {
      ended = {worker_end::start_failed, started.error().text};
      pool->note_start_failure(ended.text);
    }
    if (pool->closing()) break;
    pool->context().counts.restarts[static_cast<std::size_t>(ended.reason)].add();
    if (answered_ > 0) pauses = {};
    const bool by_us = ended.reason == worker_end::recycled || ended.reason == worker_end::cancelled;
    const duration length = by_us ? duration::zero() : pauses.after_run_of(loop_.now() - began);
    const auto severity = ended.reason == worker_end::recycled ? log::level::info : log::level::warning;
    log::write(severity, "worker_ended", ended.text,
               {{"worker", pool->name()}, {"reason", name_of(ended.reason)}, {"restart_in", write_duration(length)}});
    answered_ = 0;
    auto pausing = pause(length);
    co_await std::move(pausing);
  }
}

loop::awaitable<> worker_process::pause(duration length) {
  if (length == duration::zero() || pool_.closing()) co_return;
  auto closed = pause_over_.wait();
  auto waiting = loop::with_timeout(loop_, std::move(closed), after(loop_.now(), length));
  co_await std::move(waiting);
}

void worker_process::begin(loop::child_process&& child) {
  child_.emplace(std::move(child));
  streams_.emplace(
      loop_, *child_, pool_.context().threads, pool_.settings().output_max,
      worker_streams::events{.on_message = [this](wire::worker_message&& message) { apply(std::move(message)); },
                             .on_malformed = [this](wire::worker_message&& message) { apply_malformed(message); },
                             .on_closed = [this] { await_end(phase::silent); }});
  taken_ = answered_ = 0;
  last_answered_ = {};
}

loop::awaitable<worker_process::ending> worker_process::serve() {
  const auto& settings = pool_.settings();
  auto& counts = pool_.context().counts.pool;
  streams_->start(pool_.name());
  if (settings.recycle_after) recycle_due_.set(after(loop_.now(), *settings.recycle_after));
  ++counts.workers;
  phase_ = phase::serving;
  watch_limits();
  if (pool_.closing()) {
    stop();
  } else {
    pool_.offer(*this);
  }
  auto ended = child_->ended();
  const loop::child_exit exit = co_await std::move(ended);
  --counts.workers;
  watch_ = {};
  auto finishing = streams_->finish();
  co_await std::move(finishing);
  // What was read last may have set them. They must not end the next process.
  recycle_due_.clear();
  end_due_.clear();
  if (exit.memory_exceeded) {
    exceed_limit({.resource = loop::exceeded_limit::kind::memory,
                  .text = child_->memory_exceeded_text(pool_.settings().memory_setting)});
  }
  const ending process_end = ending_of(exit);
  phase_ = phase::none;
  interrupt_all(process_end);
  streams_.reset();
  child_.reset();
  co_return process_end;
}

void worker_process::stop() {
  stop_taking();
  // Nobody waits for the jobs that are left.
  if (!held_.empty()) end(worker_end::cancelled, "its jobs were cancelled or late");
  pause_over_.wake_all();
}

// --- jobs ------------------------------------------------------------------------------------------------------------

bool worker_process::has_capacity() const noexcept {
  const auto& settings = pool_.settings();
  if (phase_ != phase::serving || child_->exit() || held_.size() >= settings.in_flight) return false;
  return held_.empty() || !settings.work_in_hand || held_.work() < *settings.work_in_hand;
}

bool worker_process::can_take(job_id job) const noexcept {
  return has_capacity() && held_.index_of(job) == held_.size();
}

void worker_process::take(worker_request& request) {
  worker_task& task = request.task;
  if (task.line.empty()) {
    streams_->write_job({task.id, task.queue, task.attempt, task.content.view(), task.handler});
  } else {
    streams_->write_line(std::move(task.line));
  }
  const auto work_max = pool_.settings().work_in_hand.value_or(duration::zero());
  // What is not known is taken as long: another worker may take the next job.
  const auto work =
      task.length == nullptr || task.length->unknown() ? work_max : std::min(task.length->expected(), work_max);
  held_.add({task.id, &request, never, work, loop_.now(), request.submitter});
  watch_.begin_span(task.id.value());
  if (held_.size() == 1) {
    ++pool_.context().counts.pool.busy;
    busy_since_ = loop_.now();
  }
  request.holder = this;
  const auto& recycle_after = pool_.settings().recycle_after_jobs;
  if (++taken_ == recycle_after) stop_taking();
}

void worker_process::abandon(worker_request& request) {
  const std::size_t index = held_.index_of(request.task.id);
  held_[index].request = nullptr;
  held_[index].submitter = {};
  watch_.end_span(request.task.id.value());
  request.holder = nullptr;
  if (pool_.settings().cancels) {
    streams_->write_cancellation(request.task.id);
  } else if (pool_.settings().in_flight == 1) {
    end_running(worker_end::cancelled, "its job was cancelled or late");
    return;
  }
  held_[index].due = after(loop_.now(), pool_.settings().kill_after);
  follow_abandoned();
}

void worker_process::follow_abandoned() {
  instant first = held_.first_due();
  const auto& alone_after = pool_.settings().kill_alone_after;
  if (alone_after && first != never && held_.all_abandoned()) first = std::min(first, after(loop_.now(), *alone_after));
  if (first != abandoned_due_.when()) abandoned_due_.set(first);
}

void worker_process::answer(std::size_t index, worker_answer&& answer) {
  worker_request* const request = held_[index].request;
  last_answered_ = held_[index].id;
  remove(index);
  ++answered_;
  if (request != nullptr) request->finish(std::move(answer));
  if (phase_ == phase::stopping && held_.empty()) return await_end(phase::replaced);
  if (phase_ == phase::serving) pool_.offer(*this);
}

void worker_process::remove(std::size_t index) {
  if (auto* const trace = loop_.core().trace)
    trace->process_worked(trace_rows_, name_, held_[index].submitter, held_[index].taken_at);
  watch_.end_span(held_[index].id.value());
  held_.remove(index);
  if (held_.empty()) {
    auto& counts = pool_.context().counts.pool;
    --counts.busy;
    counts.busy_nanoseconds.add(static_cast<std::uint64_t>(age(busy_since_, loop_.now()).count()));
  }
  if (abandoned_due_.when() != never) follow_abandoned();
}

// --- what a process says ---------------------------------------------------------------------------------------------

void worker_process::apply(wire::worker_message&& message) {
  const std::size_t index = held_.index_of(message.id);
  if (index == held_.size()) {
    // A second answer for a job that is over says nothing about the next one.
    const std::size_t culprit = message.id == last_answered_ ? held_.size() : only_index();
    return fail_protocol("it answered for job " + std::to_string(message.id.value()) + ", which it does not have",
                         culprit);
  }
  if (message.type != wire::worker_message::kind::progress) return answer(index, answer_of(std::move(message)));
  if (held_[index].request != nullptr) held_[index].request->note_progress(message.text);
}

void worker_process::apply_malformed(const wire::worker_message& message) {
  fail_protocol(message.text, message.id ? held_.index_of(message.id) : only_index());
}

void worker_process::fail_protocol(const std::string& problem, std::size_t index) {
  streams_->ignore_rest();
  end(worker_end::protocol, problem);
  if (index == held_.size()) return;
  worker_request* const request = held_[index].request;
  remove(index);
  if (request != nullptr)
    request->finish({.type = worker_answer::kind::failed, .text = label() + " broke the protocol: " + problem});
}

// --- the end of a process --------------------------------------------------------------------------------------------

void worker_process::end(worker_end reason, std::string text) {
  if (phase_ == phase::ending || phase_ == phase::none) return;
  phase_ = phase::ending;
  ending_ = {reason, std::move(text)};
  abandoned_due_.clear();
  recycle_due_.clear();
  end_due_.clear();
  child_->end(pool_.settings().kill_after);
}

void worker_process::end_running(worker_end reason, std::string text) {
  if (!child_->exit()) end(reason, std::move(text));
}

void worker_process::watch_limits() {
  const auto& settings = pool_.settings();
  const bool is_limited = child_->has_memory_cgroup();
  auto added =
      pool_.context().children.limits().add(child_->id(),
                                            {.cpu_max = settings.cpu_max,
                                             .memory_max = is_limited ? std::nullopt : settings.memory_max,
                                             .cpu_by_span = settings.cpu_max.has_value(),
                                             .cpu_setting = settings.cpu_setting,
                                             .memory_setting = settings.memory_setting},
                                            [this](const loop::exceeded_limit& found) { exceed_limit(found); });
  if (added) {
    watch_ = std::move(*added);
  } else {
    end(worker_end::start_failed, "its limits cannot be watched: " + added.error().text);
  }
}

void worker_process::exceed_limit(const loop::exceeded_limit& found) {
  if (phase_ == phase::ending || phase_ == phase::none) return;
  end(worker_end::limit, found.text);
  const bool is_memory = found.resource == loop::exceeded_limit::kind::memory;
  if (is_memory) child_->kill();  // it is wanted back now
  // Of several jobs nobody can tell whose memory it is.
  const std::size_t index = is_memory ? only_index() : held_.index_of(job_id{found.span});
  if (index == held_.size()) return;
  worker_request* const request = held_[index].request;
  remove(index);
  if (request != nullptr)
    request->finish(
        {.type = worker_answer::kind::over_limit, .text = pool_.settings().description + ": " + found.text});
}

void worker_process::stop_taking() {
  if (phase_ != phase::serving) return;
  phase_ = phase::stopping;
  recycle_due_.clear();
  if (held_.empty()) await_end(phase::replaced);
}

void worker_process::await_end(phase becoming) {
  if (phase_ != phase::serving && phase_ != phase::stopping) return;
  phase_ = becoming;
  recycle_due_.clear();
  if (streams_->all_written()) child_->close_input();
  end_due_.set(after(loop_.now(), pool_.settings().kill_after));
}

worker_process::ending worker_process::ending_of(const loop::child_exit& exit) const {
  const std::string errors = streams_->errors();
  const std::string last_words = errors.empty() ? "" : "; standard error: " + errors;
  if (phase_ == phase::ending) return {ending_.reason, label() + " was ended: " + ending_.text + last_words};
  if (phase_ == phase::replaced) return {worker_end::recycled, label() + " was replaced"};
  return {exit.by_signal() ? worker_end::killed : worker_end::exited,
          label() + " ended: " + loop::text_of(exit) + last_words};
}

void worker_process::interrupt_all(const ending& ended) {
  while (!held_.empty()) {
    worker_request* const request = held_[held_.size() - 1].request;
    remove(held_.size() - 1);
    if (request != nullptr) request->finish({.type = worker_answer::kind::interrupted, .text = ended.text});
  }
}

std::string worker_process::label() const {
  return pool_.settings().description + " (process " + std::to_string(child_->id()) + ")";
}

}  // namespace millrace::offload
