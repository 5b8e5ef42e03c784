// What a reload changes in a running workload.
#include "workload/change.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

#include <millrace/loop/deadline.hpp>

#include "base/log.hpp"
#include "base/option_difference.hpp"
#include "loop/thrown.hpp"
#include "workload/workload_parts.hpp"

namespace millrace::workload {

namespace {

/// Producers and consumers that are started before other tasks may run.
constexpr unsigned starts_per_turn = 64;

/// Whether a running producer can go on with its source and take over the new options while it runs.
bool has_same_source(const producer_settings& one, const producer_settings& other) {
  const auto& a = one.common;
  const auto& b = other.common;
  return one.kind == other.kind && a.queue == b.queue && a.run_for == b.run_for && a.begin == b.begin &&
         a.group == b.group && a.after == b.after &&
         changed_options(*one.kind->options, one.kind_options.get(), other.kind_options.get()).empty();
}

error error_of(std::string_view section, const std::string& name, const error& cause) {
  return {cause.code, std::string{section} + '.' + name + ": " + cause.text};
}

}  // namespace

result<prepared_change> workload::prepare(workload_change change, const sources::source_context& inputs,
                                          const handlers::handler_context& outputs) const {
  const auto& p = *parts_;
  if (p.options.run_mode == mode::sequential) p.add_all_in_sequence(change);
  prepared_change prepared{std::move(change.removed_producers), std::move(change.removed_consumers), {}, {}};
  for (auto& settings : change.producers) {
    if (p.keeps_source(settings)) {
      prepared.producers.push_back({std::move(settings), nullptr});
      continue;
    }
    auto made = p.make(settings, inputs);
    if (made.has_error()) return error_of("producers", settings.name, made.error());
    if (settings.common.begin == start::resume && !made->source->track_position()) {
      return error_of("producers", settings.name, invalid("start: it cannot resume: its source has no position"));
    }
    prepared.producers.push_back(std::move(*made));
  }
  for (auto& settings : change.consumers) {
    auto made = p.make(settings, outputs);
    if (made.has_error()) return error_of("consumers", settings.name, made.error());
    prepared.consumers.push_back(std::move(*made));
  }
  return prepared;
}

loop::awaitable<bool> workload::apply(prepared_change change, duration patience) {
  auto& p = *parts_;
  if (p.closing) co_return false;
  /// Waiters look again when the change is over, also when it was cancelled.
  struct change_mark {
    explicit change_mark(parts& of) : owner{of} { owner.changing = true; }
    ~change_mark() {
      owner.destroy_replaced();
      owner.changing = false;
      owner.notify_changed();
    }
    change_mark(const change_mark&) = delete;
    change_mark& operator=(const change_mark&) = delete;
    parts& owner;
  };
  const change_mark mark{p};
  const auto oldest_shown = saturating_subtract(p.loop.now(), p.options.metrics_linger);
  p.producer_facts.drop_removed(oldest_shown);
  p.consumer_facts.drop_removed(oldest_shown);
  // Producers first, so that no removed producer puts into a queue whose consumers are gone.
  co_await p.change_producers(change);
  if (!p.closing) co_await p.change_consumers(change, patience);
  co_return !p.closing;
}

// --- producers -------------------------------------------------------------------------------------------------------

/// A producer that has ended keeps its source, too, so that a change of its pace does not begin the source anew. But a
/// producer that has ended and stores the position of its source runs again, and continues there.
bool workload::parts::keeps_source(const producer_settings& settings) const {
  const auto* const present = find_producer(settings.name);
  if (present == nullptr || !has_same_source(present->settings, settings)) return false;
  return !present->counts->ended || !present->object->mark();
}

void workload::parts::adjust(running_producer& present, const producer_settings& settings) {
  if (!present.counts->ended) present.object->adjust(settings.common, limit_of(settings.common, present.endless));
  present.settings = settings;
}

loop::awaitable<> workload::parts::change_producers(prepared_change& change) {
  std::vector<running_producer*> ending;
  const auto end_named = [&](const std::string& name) {
    auto* const one = find_producer(name);
    if (one == nullptr) return;
    one->tasks->cancel();
    ending.push_back(one);
  };
  for (const auto& name : change.removed_producers) end_named(name);
  for (const auto& made : change.producers) {
    if (made.source != nullptr) end_named(made.settings.name);
  }
  for (auto* const one : ending) {
    co_await end(*one);
    if (closing) co_return;
  }
  unsigned starts = 0;
  for (const auto& made : change.producers) note_predecessors(made.settings.common.after);
  for (auto& made : change.producers) {
    if (made.source == nullptr) {
      adjust(*find_producer(made.settings.name), made.settings);
    } else {
      start_prepared(std::move(made));
    }
    co_await take_turns(starts);
    if (closing) co_return;
  }
}

loop::awaitable<> workload::parts::end(running_producer& one) {
  try {
    co_await one.tasks->join();
  } catch (...) {
    if (loop::is_cancellation(std::current_exception())) throw;  // this task was cancelled
    // The scope has logged it.
  }
  // A task that was cancelled before its first turn never ran, so it has not counted itself.
  if (!one.counts->ended) {
    one.counts->ended = true;
    --producers_left;
  }
  notify_predecessor_ended();
  one.counts->removed_at = loop.now();  // until it runs again
  one.counts->lag = duration::zero();
  if (const auto reached = one.object->mark()) marks[one.settings.name] = *reached;
  one.replaced = true;
  producer_by_name.erase(one.settings.name);
}

void workload::parts::start_prepared(prepared_change::made_producer&& made) {
  const auto name = made.settings.name;
  const auto constructed = construct(std::move(made));
  if (constructed.has_error()) {
    log::error("producer_failed", "a producer of the new settings cannot start",
               {{"producer", name}, {"jobs", std::uint64_t{0}}, {"reason", constructed.error().text}});
    return;
  }
  run(**constructed);
}

// --- consumers -------------------------------------------------------------------------------------------------------

/// One sequence orders all consumers, so a change of one concerns them all.
void workload::parts::add_all_in_sequence(workload_change& change) const {
  if (change.removed_consumers.empty() && change.consumers.empty()) return;
  std::set<std::string_view> named{change.removed_consumers.begin(), change.removed_consumers.end()};
  for (const auto& one : change.consumers) named.insert(one.name);
  std::vector<consumer_settings> others;
  for (const auto& one : consumers) {
    if (!named.contains(one->settings.name)) others.push_back(one->settings);
  }
  std::ranges::move(others, std::back_inserter(change.consumers));
}

/// A consumer that ends.
struct workload::parts::leaving {
  running_consumer* present;
  prepared_change::made_consumer* next;  ///< starts in its place; null: nothing does

  [[nodiscard]] bool is_drained() const { return present->object->running_slots() == 0; }
};

loop::awaitable<> workload::parts::change_consumers(prepared_change& change, duration patience) {
  std::vector<leaving> ending;
  std::vector<prepared_change::made_consumer*> added;
  for (const auto& name : change.removed_consumers) {
    if (auto* const present = find_consumer(name)) ending.push_back({present, nullptr});
  }
  for (auto& made : change.consumers) {
    auto* const present = find_consumer(made.settings.name);
    // In sequence all start together, because the sequence must know all its members.
    if (present != nullptr) ending.push_back({present, order ? nullptr : &made});
    if (present == nullptr || order) added.push_back(&made);
  }
  if (ending.empty() && added.empty()) co_return;
  // The sequence stops before its members: it may be waiting with the session of a member, and the member closes it.
  if (order) order->stop();
  for (const auto& one : ending) one.present->object->stop_taking();
  unsigned starts = 0;
  for (auto* const made : added) {
    if (order) break;
    start_prepared(std::move(*made));
    co_await take_turns(starts);
    if (closing) co_return;
  }
  co_await replace_when_drained(std::move(ending), patience);
  if (order && !closing) co_await restart_sequence(std::move(added));
}

loop::awaitable<> workload::parts::replace_when_drained(std::vector<leaving> ending, duration patience) {
  bool patience_over = false;
  loop::deadline end_of_patience{loop, [this, &patience_over] {
                                   patience_over = true;
                                   notify_changed();
                                 }};
  end_of_patience.set(after(loop.now(), patience));
  unsigned starts = 0;
  while (!ending.empty()) {
    std::vector<leaving> others;
    for (const auto& one : ending) {
      if (!one.is_drained()) {
        others.push_back(one);
        continue;
      }
      co_await end(*one.present);
      if (closing) co_return;
      if (one.next != nullptr) start_prepared(std::move(*one.next));
      co_await take_turns(starts);
      if (closing) co_return;
    }
    ending = std::move(others);
    if (ending.empty() || std::ranges::any_of(ending, &leaving::is_drained)) continue;
    if (std::exchange(patience_over, false)) {
      for (const auto& one : ending) one.present->tasks->cancel();
    }
    co_await changed.wait();
    if (closing) co_return;
  }
}

loop::awaitable<> workload::parts::restart_sequence(std::vector<prepared_change::made_consumer*> members) {
  try {
    co_await sequence_task.join();
  } catch (...) {
    if (loop::is_cancellation(std::current_exception())) throw;
    // The scope has logged it.
  }
  if (closing) co_return;
  destroy_replaced();  // they point to the sequence
  begin_sequence();
  for (auto* const made : members) start_prepared(std::move(*made));
  order->start(sequence_task);
}

loop::awaitable<> workload::parts::end(running_consumer& one) {
  try {
    co_await one.tasks->join();
  } catch (...) {
    if (loop::is_cancellation(std::current_exception())) throw;  // this task was cancelled
    // The scope has logged it.
  }
  one.object->finish();
  one.counts->concurrency = 0;
  one.counts->removed_at = loop.now();  // until it starts again
  one.replaced = true;
  consumer_by_name.erase(one.settings.name);
}

void workload::parts::start_prepared(prepared_change::made_consumer&& made) {
  const auto name = made.settings.name;
  const auto constructed = construct(std::move(made));
  if (constructed.has_error()) {
    log::error("consumer_failed", "a consumer of the new settings cannot start",
               {{"consumer", name}, {"reason", constructed.error().text}});
    return;
  }
  run(**constructed);
}

// --- both ------------------------------------------------------------------------------------------------------------

loop::awaitable<> workload::parts::take_turns(unsigned& starts) {
  if (++starts % starts_per_turn == 0) co_await loop::yield(loop);
}

void workload::parts::destroy_replaced() {
  std::erase_if(producers, [](const auto& one) { return one->replaced; });
  std::erase_if(consumers, [](const auto& one) { return one->replaced; });
}

workload::parts::running_producer* workload::parts::find_producer(const std::string& name) const {
  const auto found = producer_by_name.find(name);
  return found == producer_by_name.end() ? nullptr : found->second;
}

workload::parts::running_consumer* workload::parts::find_consumer(const std::string& name) const {
  const auto found = consumer_by_name.find(name);
  return found == consumer_by_name.end() ? nullptr : found->second;
}

}  // namespace millrace::workload
