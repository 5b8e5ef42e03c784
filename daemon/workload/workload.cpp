#include "workload/workload.hpp"

#include <algorithm>
#include <exception>
#include <string_view>
#include <utility>

#include <millrace/loop/deadline.hpp>

#include "workload/workload_parts.hpp"

namespace millrace::workload {

namespace {

error error_of(std::string_view kind, const std::string& name, const error& cause) {
  return {cause.code, std::string{kind} + ' ' + name + ": " + cause.text};
}

/// Waits for all tasks whatever they throw: a task that runs on would outlive what it uses.
loop::awaitable<> join_all(loop::task_scope& tasks, std::exception_ptr& failure) {
  try {
    co_await tasks.join();
  } catch (...) {
    failure = std::current_exception();
  }
}

}  // namespace

workload::workload(loop::event_loop& loop, broker::broker& broker, offload::thread_pool& threads,
                   workload_options options)
    : parts_{std::make_unique<parts>(loop, broker, threads, options)} {}

workload::~workload() = default;

result<> workload::start(const std::vector<producer_settings>& producers,
                         const std::vector<consumer_settings>& consumers, const sources::source_context& inputs,
                         const handlers::handler_context& outputs) {
  auto& p = *parts_;
  p.process_host = outputs.workers;
  p.begin_sequence();
  for (const auto& one : producers) p.note_predecessors(one.common.after);
  for (const auto& one : producers) {
    auto made = p.make(one, inputs);
    if (made.has_error()) return error_of("producer", one.name, made.error());
    const auto constructed = p.construct(std::move(*made));
    if (constructed.has_error()) return error_of("producer", one.name, constructed.error());
  }
  for (const auto& one : consumers) {
    auto made = p.make(one, outputs);
    if (made.has_error()) return error_of("consumer", one.name, made.error());
    const auto constructed = p.construct(std::move(*made));
    if (constructed.has_error()) return error_of("consumer", one.name, constructed.error());
  }
  // Producers first: the consumers choose among the first bodies of all, not the first body that comes.
  for (const auto& one : p.producers) p.run(*one);
  for (const auto& one : p.consumers) p.run(*one);
  if (p.order) p.order->start(p.sequence_task);
  return {};
}

loop::awaitable<> workload::idle() {
  auto& p = *parts_;
  while (!p.closing && !p.nothing_to_do()) co_await p.changed.wait();
  co_await p.broker.until_all_durable();
}

bool workload::held_by_full_queues() const { return parts_->held_by_full_queues(); }

bool workload::waits_for_unserved_jobs() const { return parts_->waits_for_unserved_jobs(); }

loop::awaitable<std::size_t> workload::drain(duration patience) {
  auto& p = *parts_;
  const auto released_before = p.released_jobs();
  stop_taking();
  bool patience_over = false;
  loop::deadline end_of_patience{p.loop, [&p, &patience_over] {
                                   patience_over = true;
                                   p.notify_changed();
                                 }};
  end_of_patience.set(after(p.loop.now(), patience));
  while (p.running_slots() != 0 && !patience_over) co_await p.changed.wait();
  p.cancel_consumers();
  co_await join();
  co_return p.released_jobs() - released_before;
}

void workload::stop_taking() {
  if (!parts_->closing) parts_->stop_taking();
}

void workload::stop() {
  auto& p = *parts_;
  stop_taking();
  p.cancel_consumers();
}

loop::awaitable<> workload::join() {
  auto& p = *parts_;
  // A change destroys what it replaced when it ends, which it soon does, because the workload is closing.
  while (p.changing) co_await p.changed.wait();
  std::exception_ptr failure;
  for (const auto& one : p.producers) co_await join_all(*one->tasks, failure);
  for (const auto& one : p.consumers) co_await join_all(*one->tasks, failure);
  co_await join_all(p.sequence_task, failure);
  // Also those that were cancelled before their first turn. What sources and handlers hold open would keep the loop
  // running.
  for (const auto& one : p.producer_facts.all) one->ended = true;
  // Their task scopes stay: a drain and the end that a second signal asks for join at the same time.
  for (const auto& one : p.producers) one->object.reset();
  for (const auto& one : p.consumers) one->object->finish();
  if (failure) std::rethrow_exception(failure);
}

const std::vector<std::unique_ptr<producer_counts>>& workload::producers() const noexcept {
  return parts_->producer_facts.all;
}

const std::vector<std::unique_ptr<consumer_counts>>& workload::consumers() const noexcept {
  return parts_->consumer_facts.all;
}

bool workload::is_shown(instant removed_at, instant now) const noexcept {
  return removed_at == never || now < after(removed_at, parts_->options.metrics_linger);
}

void workload::reopen_files() {
  for (const auto& one : parts_->consumers) one->object->reopen_files();
}

bool workload::is_closing() const noexcept { return parts_->closing; }

void workload::set_metrics_linger(duration linger) { parts_->options.metrics_linger = linger; }

void workload::set_stall_threshold(duration threshold) { parts_->options.stall_threshold = threshold; }

std::string workload::slot_name(session_id session) const {
  for (const auto& one : parts_->consumers) {
    if (auto name = one->object->slot_name(session); !name.empty()) return name;
  }
  return {};
}

const loop::backpressure& workload::held_producers() const noexcept { return parts_->held; }

// --- the parts -------------------------------------------------------------------------------------------------------

void workload::parts::stop_taking() {
  closing = true;
  for (const auto& one : producers) one->tasks->cancel();
  if (order) order->stop();
  for (const auto& one : consumers) one->object->stop_taking();
  notify_changed();
}

void workload::parts::cancel_consumers() {
  for (const auto& one : consumers) one->tasks->cancel();
  sequence_task.cancel();
}

bool workload::parts::nothing_to_do() const {
  if (producers_left != 0 || changing) return false;
  const auto& engine = broker.engine();
  if (engine.groups_in_progress() != 0) return false;
  for (const auto& one : consumers) {
    for (const auto queue : one->object->queues()) {
      const auto levels = engine.levels(queue);
      if (levels.ready + levels.delayed + levels.reserved + levels.waiting_puts != 0) return false;
    }
  }
  return true;
}

bool workload::parts::held_by_full_queues() const {
  if (held.active() + waiting_successors != producers_left || changing) return false;
  if (waiting_successors != 0 && held.active() == 0 && broker.held_outputs().active() == 0) return false;
  std::size_t active = 0;
  for (const auto& one : consumers) active += one->counts->active;
  if (active != broker.held_outputs().active()) return false;
  for (const auto& one : consumers) {
    if (one->counts->active >= one->object->running_slots()) continue;
    for (const auto queue : one->object->queues()) {
      const auto levels = broker.engine().levels(queue);
      if (levels.ready + levels.delayed != 0) return false;
    }
  }
  return true;
}

std::size_t workload::parts::running_slots() const {
  std::size_t running = 0;
  for (const auto& one : consumers) running += one->object->running_slots();
  return running;
}

std::uint64_t workload::parts::released_jobs() const {
  std::uint64_t jobs = 0;
  for (const auto& one : consumer_facts.all) {
    jobs += one->released.value();
  }
  return jobs;
}

}  // namespace millrace::workload
