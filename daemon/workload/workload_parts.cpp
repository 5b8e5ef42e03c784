#include "workload/workload_parts.hpp"

#include <algorithm>
#include <utility>

#include <millrace/base/quantity.hpp>

#include "base/log.hpp"
#include "handlers/computing_process.hpp"

namespace millrace::workload {

namespace {

const void* options_owner(const std::shared_ptr<void>& given, std::shared_ptr<void>& own, const option_table& table) {
  if (given) return given.get();
  own = table.make();
  return own.get();
}

}  // namespace

workload::parts::parts(loop::event_loop& event_loop, broker::broker& job_broker, offload::thread_pool& workers,
                       workload_options settings)
    : loop{event_loop},
      broker{job_broker},
      threads{workers},
      options{settings},
      changed{event_loop, "idle"},
      predecessor_ended{event_loop, "the end of other producers"},
      sequence_task{event_loop} {
  group_over = broker.subscribe_group_over([this] { notify_predecessor_ended(); });
  job_left = broker.subscribe_job_left([this] { notify_changed(); });
}

result<prepared_change::made_producer> workload::parts::make(const producer_settings& settings,
                                                             const sources::source_context& inputs) const {
  std::shared_ptr<void> own;
  const auto* const owner = options_owner(settings.kind_options, own, *settings.kind->options);
  auto source = settings.kind->make(owner, inputs);
  if (source.has_error()) return source.error();
  return prepared_change::made_producer{settings, std::move(*source)};
}

result<prepared_change::made_consumer> workload::parts::make(const consumer_settings& settings,
                                                             const handlers::handler_context& outputs) const {
  auto context = outputs;
  context.totals = [this] { return totals(); };
  prepared_change::made_consumer made{settings, {}};
  for (const auto& step : settings.all_steps()) {
    std::shared_ptr<void> own;
    const auto* const owner = options_owner(step.kind_options, own, *step.kind->options);
    auto handler = step.kind->make(owner, context);
    if (handler.has_error()) return handler.error();
    made.handlers.push_back(std::move(*handler));
  }
  return made;
}

std::vector<handlers::consumer_totals> workload::parts::totals() const {
  std::vector<handlers::consumer_totals> all;
  for (const auto& one : consumers) {
    const auto count = [&one](engine::outcome outcome) {
      return one->counts->outcomes[static_cast<std::size_t>(outcome)].value();
    };
    all.push_back({one->settings.name, count(engine::outcome::ok),
                   count(engine::outcome::failed) + count(engine::outcome::timeout)});
  }
  return all;
}

result<workload::parts::running_producer*> workload::parts::construct(prepared_change::made_producer&& made) {
  const auto& settings = made.settings;
  const auto queue = broker.find_or_declare(settings.common.queue);
  if (queue.has_error()) return queue.error();
  const bool endless = made.source->endless();
  auto limit = limit_of(settings.common, endless);
  const auto mark = marks.find(settings.name);
  auto progress =
      source_progress::begin(broker, settings, *queue, *made.source, mark == marks.end() ? nullptr : &mark->second);
  if (progress.has_error()) return progress.error();
  // The limit of the settings counts all bodies, that of the command line those of this run.
  if (*progress && settings.common.limit) limit = *limit - std::min(*limit, (*progress)->bodies());

  auto& counts = producer_facts.find_or_add(settings.name);
  counts.ended = counts.failed = false;
  counts.removed_at = never;
  producer::environment environment{loop, broker, held, [this] {
                                      --producers_left;
                                      notify_changed();
                                      notify_predecessor_ended();
                                    }};
  if (settings.common.group || predecessors.contains(settings.name)) environment.grouped = &settings;
  if (!settings.common.after.empty())
    environment.until_predecessors_end = [this, name = settings.name] { return until_predecessors_end(name); };
  auto object = std::make_unique<producer>(environment, settings.common, *queue, std::move(made.source),
                                           std::move(*progress), limit, counts);
  auto tasks = std::make_unique<loop::task_scope>(loop);
  auto& one = *producers.emplace_back(std::make_unique<running_producer>(
      running_producer{std::move(made.settings), &counts, std::move(object), std::move(tasks), endless, false}));
  producer_by_name.insert_or_assign(one.settings.name, &one);
  return &one;
}

result<std::vector<steps::step>> workload::parts::steps_of(prepared_change::made_consumer& made,
                                                           consumer_counts& counts) {
  const auto settings = made.settings.all_steps();
  const auto& common = made.settings.common;
  const auto site = site_of(common);
  std::vector<steps::step> all;
  all.reserve(settings.size());
  for (std::size_t n = 0; n < settings.size(); ++n) {
    const auto& kind = *settings[n].kind;
    attempts runs{loop, threads, std::move(made.handlers[n]), site, common.timeout};
    if (kind.computes && site == offload::execution_site::processes) {
      if (process_host == nullptr) return error{errc::unsupported, "run_on: processes is not possible here"};
      std::shared_ptr<void> own;
      const auto* const owner = options_owner(settings[n].kind_options, own, *kind.options);
      runs.use_processes(process_host->processes(), handlers::handler_text(kind, owner));
    }
    if (kind.computes && site == offload::execution_site::automatic)
      runs.use_choice(std::make_unique<offload::site_choice>(options.stall_threshold, [&counts](duration length) {
        counts.moved.add();
        log::warning("handler_moved",
                     "a step held the loop: the computations of this consumer go to threads from now on",
                     {{"consumer", counts.name}, {"held", write_duration(length)}});
      }));
    all.push_back({std::move(runs), kind.name});
  }
  return all;
}

result<workload::parts::running_consumer*> workload::parts::construct(prepared_change::made_consumer&& made) {
  const auto& common = made.settings.common;
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

  auto& counts = consumer_facts.find_or_add(made.settings.name);
  counts.removed_at = never;
  counts.concurrency = options.run_mode == mode::sequential ? 1 : common.concurrency;
  const consumer::environment environment{loop, broker, order ? &*order : nullptr, [this] { notify_changed(); },
                                          common.job_name};
  auto all = steps_of(made, counts);
  if (all.has_error()) return all.error();
  auto object = std::make_unique<consumer>(
      environment, std::move(queues), steps{loop, std::move(*all), common.repeat},
      settlement::destinations{*output, *dead_letter, common.retry, common.output_order_by}, counts);
  auto tasks = std::make_unique<loop::task_scope>(loop);
  auto& one = *consumers.emplace_back(std::make_unique<running_consumer>(
      running_consumer{std::move(made.settings), &counts, std::move(object), std::move(tasks), false, false}));
  consumer_by_name.insert_or_assign(one.settings.name, &one);
  return &one;
}

void workload::parts::run(running_producer& one) {
  ++producers_left;
  one.tasks->spawn(one.settings.name, one.object->run());
}

void workload::parts::run(running_consumer& one) { one.object->start(*one.tasks); }

void workload::parts::begin_sequence() {
  if (options.run_mode == mode::sequential) order.emplace(loop, broker, [this] { notify_changed(); });
}

result<std::optional<queue_id>> workload::parts::queue_named(const std::optional<std::string>& name) {
  if (!name) return std::optional<queue_id>{};
  const auto queue = broker.find_or_declare(*name);
  if (queue.has_error()) return queue.error();
  return std::optional<queue_id>{*queue};
}

offload::execution_site workload::parts::site_of(const consumer_options& consumer) const {
  switch (options.run_mode) {
    case mode::sequential:
    case mode::loop:
      return offload::execution_site::loop;
    case mode::threads:
      return offload::execution_site::threads;
    case mode::processes:
      return offload::execution_site::processes;
    case mode::as_set:
      break;
  }
  return consumer.run_on;
}

std::optional<std::uint64_t> workload::parts::limit_of(const producer_options& producer, bool endless) const {
  const auto never_ends = endless && !producer.limit && !producer.run_for;
  return never_ends ? options.limit : producer.limit;
}

}  // namespace millrace::workload
