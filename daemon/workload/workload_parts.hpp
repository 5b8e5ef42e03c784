#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <millrace/loop/wait_point.hpp>

#include "loop/task_scope.hpp"
#include "offload/worker_host.hpp"
#include "workload/change.hpp"
#include "workload/consumer.hpp"
#include "workload/producer.hpp"
#include "workload/sequence.hpp"
#include "workload/workload.hpp"

namespace millrace::workload {

/// The members of the workload. Starting and draining are in workload.cpp, making its parts in workload_parts.cpp, what
/// a reload does in change.cpp, and the order of producers in predecessors.cpp.
struct workload::parts {
  /// A producer with its task, or a consumer with the tasks of its slots.
  template <class Settings, class Counts, class Object>
  struct running_part {
    Settings settings;
    Counts* counts;
    std::unique_ptr<Object> object;
    std::unique_ptr<loop::task_scope> tasks;
    bool endless{false};   ///< of a producer
    bool replaced{false};  ///< a reload ended it; it is destroyed when the change is over
  };
  using running_producer = running_part<producer_settings, producer_counts, producer>;
  using running_consumer = running_part<consumer_settings, consumer_counts, consumer>;

  /// Counts in the order in which they were made, and by name.
  template <class Counts>
  struct counts_list {
    std::vector<std::unique_ptr<Counts>> all;  ///< also of removed ones
    std::unordered_map<std::string_view, Counts*> by_name;

    /// The counts of that name, or new ones. Counts that were removed and not dropped yet are used again, so that their
    /// series continue.
    Counts& find_or_add(const std::string& name);
    /// Drops those that were removed at `limit` or before.
    void drop_removed(instant limit);
  };

  parts(loop::event_loop& event_loop, broker::broker& job_broker, offload::thread_pool& workers,
        workload_options settings);

  // Making.
  result<prepared_change::made_producer> make(const producer_settings& settings,
                                              const sources::source_context& inputs) const;
  result<prepared_change::made_consumer> make(const consumer_settings& settings,
                                              const handlers::handler_context& outputs) const;
  /// Of the consumers that are not removed.
  [[nodiscard]] std::vector<handlers::consumer_totals> totals() const;
  /// Takes the handlers. `counts` outlives the steps.
  [[nodiscard]] result<std::vector<steps::step>> steps_of(prepared_change::made_consumer& made,
                                                          consumer_counts& counts);
  /// Constructs it. Its task runs after `run`.
  result<running_producer*> construct(prepared_change::made_producer&& made);
  result<running_consumer*> construct(prepared_change::made_consumer&& made);
  void run(running_producer& one);
  void run(running_consumer& one);
  void begin_sequence();
  result<std::optional<queue_id>> queue_named(const std::optional<std::string>& name);
  [[nodiscard]] offload::execution_site site_of(const consumer_options& consumer) const;
  /// The limit of bodies: that of the settings, or `--limit` if the producer would never end.
  [[nodiscard]] std::optional<std::uint64_t> limit_of(const producer_options& producer, bool endless) const;

  // Changing.
  [[nodiscard]] running_producer* find_producer(const std::string& name) const;
  [[nodiscard]] running_consumer* find_consumer(const std::string& name) const;
  [[nodiscard]] bool keeps_source(const producer_settings& settings) const;
  void add_all_in_sequence(workload_change& change) const;
  void adjust(running_producer& present, const producer_settings& settings);
  loop::awaitable<> change_producers(prepared_change& change);
  loop::awaitable<> change_consumers(prepared_change& change, duration patience);
  struct leaving;
  loop::awaitable<> replace_when_drained(std::vector<leaving> ending, duration patience);
  loop::awaitable<> restart_sequence(std::vector<prepared_change::made_consumer*> members);
  loop::awaitable<> end(running_producer& one);
  loop::awaitable<> end(running_consumer& one);
  void start_prepared(prepared_change::made_producer&& made);
  void start_prepared(prepared_change::made_consumer&& made);
  /// Lets other tasks run after each `starts_per_turn` calls.
  loop::awaitable<> take_turns(unsigned& starts);
  void destroy_replaced();

  // Ending.
  void stop_taking();
  void cancel_consumers();

  // Order of producers: predecessors.cpp.
  /// Other producers wait for these (`after`). From their next start on, their jobs join a group that tells when all of
  /// them have ended.
  void note_predecessors(const std::vector<std::string>& names);
  /// All producers that this one names in `after` have ended, and so have all of their jobs.
  [[nodiscard]] bool predecessors_have_ended(const std::string& producer) const;
  loop::awaitable<> until_predecessors_end(std::string producer);
  [[nodiscard]] bool waits_for_unserved_jobs() const;

  [[nodiscard]] bool nothing_to_do() const;
  [[nodiscard]] bool held_by_full_queues() const;
  [[nodiscard]] std::size_t running_slots() const;
  [[nodiscard]] std::uint64_t released_jobs() const;

  /// Wakes the waiters to check their condition again: a producer or a slot has ended, a slot found nothing to do, or a
  /// job has left its queue.
  void notify_changed() {
    if (changed.waiting() != 0) changed.wake_all();
  }
  void notify_predecessor_ended() {
    if (predecessor_ended.waiting() != 0) predecessor_ended.wake_all();
  }

  loop::event_loop& loop;
  broker::broker& broker;
  offload::thread_pool& threads;
  offload::worker_host* process_host{nullptr};  ///< for `run_on: processes`; null where nothing can start processes
  workload_options options;
  loop::backpressure held;
  counts_list<producer_counts> producer_facts;
  counts_list<consumer_counts> consumer_facts;
  std::map<std::string, progress_mark> marks;  ///< of producers that a reload ended
  loop::wait_point changed;
  std::vector<std::unique_ptr<running_producer>> producers;
  std::unordered_map<std::string, running_producer*> producer_by_name;
  std::optional<sequence> order;
  std::vector<std::unique_ptr<running_consumer>> consumers;
  std::unordered_map<std::string, running_consumer*> consumer_by_name;
  std::size_t producers_left{0};
  std::set<std::string, std::less<>> predecessors;  ///< producers that others wait for
  std::size_t waiting_successors{0};                ///< producers that wait for others
  loop::wait_point predecessor_ended;
  bool closing{false};
  bool changing{false};  ///< `apply` is at work
  loop::task_scope sequence_task;
  broker::subscription job_left;
  broker::subscription group_over;
};

template <class Counts>
Counts& workload::parts::counts_list<Counts>::find_or_add(const std::string& name) {
  if (const auto found = by_name.find(name); found != by_name.end()) return *found->second;
  auto& counts = *all.emplace_back(std::make_unique<Counts>());
  counts.name = name;
  by_name.emplace(counts.name, &counts);
  return counts;
}

template <class Counts>
void workload::parts::counts_list<Counts>::drop_removed(instant limit) {
  std::erase_if(all, [&](const auto& one) {
    if (one->removed_at == never || one->removed_at > limit) return false;
    by_name.erase(one->name);
    return true;
  });
}

}  // namespace millrace::workload
