#include "workload/workload.hpp"

#include <algorithm>
#include <cassert>
#include <exception>
#include <string_view>
#include <utility>

#include <millrace/loop/deadline.hpp>
#include <millrace/loop/wait_point.hpp>

#include "loop/task_scope.hpp"
#include "workload/consumer.hpp"
#include "workload/producer.hpp"
#include "workload/sequence.hpp"

namespace millrace::workload {

namespace {

error error_of(std::string_view kind, const std::string& name, const error& cause) {
  return {cause.code, std::string{kind} + ' ' + name + ": " + cause.text};
}

}  // namespace

struct workload::parts {
  parts(loop::event_loop& event_loop, broker::broker& job_broker, offload::thread_pool& workers,
        workload_options settings)
      : loop{event_loop},
        broker{job_broker},
        threads{workers},
        options{settings},
        changed{event_loop, "idle"},
        producer_tasks{event_loop},
        consumer_tasks{event_loop} {
    job_left = broker.subscribe_job_left([this] { notify_changed(); });
    if (options.run_mode == mode::sequential) order.emplace(loop, broker, [this] { notify_changed(); });
  }

  result<> make(const producer_settings& settings, const sources::source_context& inputs);
  result<> make(const consumer_settings& settings, const handlers::handler_context& outputs);
  result<std::optional<queue_id>> queue_named(const std::optional<std::string>& name);
  [[nodiscard]] offload::place place_of(const consumer_options& consumer) const;
  void stop_taking();
  [[nodiscard]] bool nothing_to_do() const;
  [[nodiscard]] bool held_by_full_queues() const;
  [[nodiscard]] std::size_t running_slots() const;
  [[nodiscard]] std::uint64_t cancelled_jobs() const;

  /// A producer or a slot has ended, or a slot found nothing to do: the waiters check their condition again.
  void notify_changed() {
    if (changed.waiting() != 0) changed.wake_all();
  }

  loop::event_loop& loop;
  broker::broker& broker;
  offload::thread_pool& threads;
  workload_options options;
  loop::backpressure held;
  std::vector<std::unique_ptr<producer_counts>> producer_facts;
  std::vector<std::unique_ptr<consumer_counts>> consumer_facts;
  std::vector<std::unique_ptr<producer>> producers;
  std::optional<sequence> order;
  std::vector<std::unique_ptr<consumer>> consumers;
  std::size_t producers_left{0};
  bool closing{false};
  loop::wait_point changed;
  broker::subscription job_left;
  loop::task_scope producer_tasks;
  loop::task_scope consumer_tasks;
};

workload::workload(loop::event_loop& loop, broker::broker& broker, offload::thread_pool& threads,
                   workload_options options)
    : parts_{std::make_unique<parts>(loop, broker, threads, options)} {}

workload::~workload() = default;

result<> workload::start(const std::vector<producer_settings>& producers,
                         const std::vector<consumer_settings>& consumers, const sources::source_context& inputs,
                         const handlers::handler_context& outputs) {
  auto& p = *parts_;
  for (const auto& one : producers) {
    if (auto made = p.make(one, inputs); made.has_error()) return error_of("producer", one.name, made.error());
  }
  for (const auto& one : consumers) {
    if (auto made = p.make(one, outputs); made.has_error()) return error_of("consumer", one.name, made.error());
  }
  p.producers_left = p.producers.size();
  for (const auto& one : p.consumers) one->start(p.consumer_tasks);
  if (p.order) p.order->start(p.consumer_tasks);
  for (std::size_t at = 0; at < p.producers.size(); ++at) {
    p.producer_tasks.spawn(p.producer_facts[at]->name, p.producers[at]->run());
  }
  return {};
}

loop::awaitable<> workload::idle() {
  auto& p = *parts_;
  while (!p.closing && !p.nothing_to_do()) co_await p.changed.wait();
  co_await p.broker.until_all_durable();
}

bool workload::held_by_full_queues() const { return parts_->held_by_full_queues(); }

loop::awaitable<std::size_t> workload::drain(duration patience) {
  auto& p = *parts_;
  const auto cancelled_before = p.cancelled_jobs();
  stop_taking();
  bool patience_over = false;
  loop::deadline end_of_patience{p.loop, [&p, &patience_over] {
                                   patience_over = true;
                                   p.notify_changed();
                                 }};
  end_of_patience.set(after(p.loop.now(), patience));
  while (p.running_slots() != 0 && !patience_over) co_await p.changed.wait();
  p.consumer_tasks.cancel();
  co_await join();
  co_return p.cancelled_jobs() - cancelled_before;
}

void workload::stop_taking() {
  if (!parts_->closing) parts_->stop_taking();
}

void workload::stop() {
  auto& p = *parts_;
  stop_taking();
  p.consumer_tasks.cancel();
}

loop::awaitable<> workload::join() {
  auto& p = *parts_;
  // Both are joined whatever they throw: a task that runs on would outlive what it uses.
  std::exception_ptr failure;
  for (auto* const tasks : {&p.producer_tasks, &p.consumer_tasks}) {
    try {
      co_await tasks->join();
    } catch (...) {
      failure = std::current_exception();
    }
  }
  // Also those that were cancelled before their first turn: what their sources hold open would keep the loop running.
  for (const auto& one : p.producer_facts) one->ended = true;
  p.producers.clear();
  for (const auto& one : p.consumers) one->flush_log();
  if (failure) std::rethrow_exception(failure);
}

const std::vector<std::unique_ptr<producer_counts>>& workload::producers() const noexcept {
  return parts_->producer_facts;
}

const std::vector<std::unique_ptr<consumer_counts>>& workload::consumers() const noexcept {
  return parts_->consumer_facts;
}

const loop::backpressure& workload::held_producers() const noexcept { return parts_->held; }

// --- the parts -------------------------------------------------------------------------------------------------------

result<> workload::parts::make(const producer_settings& settings, const sources::source_context& inputs) {
  const auto queue = broker.find_or_declare(settings.common.queue);
  if (queue.has_error()) return queue.error();
  const auto own = settings.kind_options ? settings.kind_options : settings.kind->options->make();
  auto source = settings.kind->make(own.get(), inputs);
  if (source.has_error()) return source.error();

  auto limit = settings.common.limit;
  const auto never_ends = (*source)->endless() && !limit && !settings.common.run_for;
  if (never_ends) limit = options.limit;
  auto progress = source_progress::begin(broker, settings, *queue, **source);
  if (progress.has_error()) return progress.error();
  // The limit of the settings counts all bodies, that of the command line those of this run.
  if (*progress && settings.common.limit) limit = *limit - std::min(*limit, (*progress)->bodies());

  auto& counts = *producer_facts.emplace_back(std::make_unique<producer_counts>());
  counts.name = settings.name;
  producer::environment const environment{loop, broker, held, [this] {
                                            --producers_left;
                                            notify_changed();
                                          }};
  producers.push_back(std::make_unique<producer>(environment, settings.common, *queue, std::move(*source),
                                                 std::move(*progress), limit, counts));
  return {};
}

result<> workload::parts::make(const consumer_settings& settings, const handlers::handler_context& outputs) {
  const auto& common = settings.common;
  std::vector<queue_id> queues;
  for (const auto& name : common.queue) {
    const auto queue = broker.find_or_declare(name);
    if (queue.has_error()) return queue.error();
    queues.push_back(*queue);
  }
  const auto output = queue_named(common.output);
  if (output.has_error()) return output.error();
  const auto dead_letter = queue_named(common.dead_letter);
  if (dead_letter.has_error()) return dead_letter.error();
  const auto own = settings.kind_options ? settings.kind_options : settings.kind->options->make();
  auto handler = settings.kind->make(own.get(), outputs);
  if (handler.has_error()) return handler.error();

  auto& counts = *consumer_facts.emplace_back(std::make_unique<consumer_counts>());
  counts.name = settings.name;
  counts.concurrency = options.run_mode == mode::sequential ? 1 : common.concurrency;
  consumer::environment const environment{loop, broker, order ? &*order : nullptr, [this] { notify_changed(); }};
  consumers.push_back(std::make_unique<consumer>(
      environment, std::move(queues), attempts{loop, threads, std::move(*handler), place_of(common), common.timeout},
      settlement::destinations{*output, *dead_letter}, counts));
  return {};
}

result<std::optional<queue_id>> workload::parts::queue_named(const std::optional<std::string>& name) {
  if (!name) return std::optional<queue_id>{};
  const auto queue = broker.find_or_declare(*name);
  if (queue.has_error()) return queue.error();
  return std::optional<queue_id>{*queue};
}

offload::place workload::parts::place_of(const consumer_options& consumer) const {
  switch (options.run_mode) {
    case mode::sequential:
    case mode::loop:
      return offload::place::loop;
    case mode::threads:
      return offload::place::threads;
    case mode::as_set:
      break;
  }
  return consumer.run_on;
}

void workload::parts::stop_taking() {
  closing = true;
  producer_tasks.cancel();
  if (order) order->stop();
  for (const auto& one : consumers) one->stop_taking();
  notify_changed();
}

bool workload::parts::nothing_to_do() const {
  if (producers_left != 0) return false;
  const auto& engine = broker.engine();
  for (const auto& one : consumers) {
    for (const auto queue : one->queues()) {
      const auto levels = engine.levels(queue);
      if (levels.ready + levels.delayed + levels.reserved + levels.waiting_puts != 0) return false;
    }
  }
  return true;
}

bool workload::parts::held_by_full_queues() const {
  if (held.active() != producers_left) return false;
  std::size_t active = 0;
  for (const auto& one : consumer_facts) active += one->active;
  if (active != broker.held_outputs().active()) return false;
  if (order && active != 0) return true;  // the permit is out
  for (std::size_t at = 0; at < consumers.size(); ++at) {
    if (consumer_facts[at]->active >= consumers[at]->running_slots()) continue;
    for (const auto queue : consumers[at]->queues()) {
      const auto levels = broker.engine().levels(queue);
      if (levels.ready + levels.delayed != 0) return false;
    }
  }
  return true;
}

std::size_t workload::parts::running_slots() const {
  std::size_t running = 0;
  for (const auto& one : consumers) running += one->running_slots();
  return running;
}

std::uint64_t workload::parts::cancelled_jobs() const {
  std::uint64_t jobs = 0;
  for (const auto& one : consumer_facts) {
    jobs += one->outcomes[static_cast<std::size_t>(engine::outcome::cancelled)].value();
  }
  return jobs;
}

}  // namespace millrace::workload
