#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "engine/change.hpp"
#include "engine/command.hpp"
#include "engine/cursors.hpp"
#include "engine/deadlines.hpp"
#include "engine/group_table.hpp"
#include "engine/job_table.hpp"
#include "engine/options.hpp"
#include "engine/queue_rows.hpp"
#include "engine/queue_table.hpp"
#include "engine/session.hpp"
#include "engine/state_observer.hpp"

namespace millrace::engine {

/// The state of the engine, for the functions that change it: transitions, reserving, admission, finish, subscriptions,
/// due. Invariant between two commands: no session waits for a job that it could have, and no request for capacity that
/// is free.
struct core {
  explicit core(const engine_options& options)
      : limits{options}, rows{options.queue_rows_max, options.metrics_linger} {}

  engine_options limits;
  queue_options defaults;  ///< of queues that are not declared
  job_table jobs;
  queue_table queues;
  session_table sessions;
  group_table groups;
  deadlines due;
  deadlines expiring;                      ///< jobs that expire (engine/expiry.hpp)
  deadlines::heap_position expiry_due{0};  ///< in `due`, of the first of them
  cursors walks{limits.cursors_max};
  instant now{instant::min()};
  std::uint64_t last_job{0};
  bool refusing_puts{false};
  bool collecting{false};
  std::uint64_t body_bytes{0};  ///< of memory, by bounded bodies that are in it or on their way
  std::vector<job_id> wanted_bodies;
  std::vector<slot> read_ahead;  ///< here for its storage
  std::vector<event> events;
  change_set changes;
  std::vector<slot> queues_to_update;            ///< queues that got free capacity, or that may have to be removed
  std::vector<std::pair<slot, demand>> demands;  ///< of the finish at hand; here for its storage
  queue_rows rows;
  queue_counts removed_counts;                           ///< of removed queues that had no row
  queue_timings other_timings;                           ///< of queues without a row
  std::array<std::uint64_t, job_state_count> jobs_in{};  ///< of all queues, by state
  std::uint64_t urgent{0};
  counter puts, ttr_expired;
  std::uint64_t departures{0};                          ///< see engine::departures
  state_observer* observer{nullptr};                    ///< null: nobody is notified of states
  std::function<bool(std::uint64_t bytes)> disk_check;  ///< see engine::set_disk_check

  [[nodiscard]] queue& queue_of(const job& record) noexcept { return queues[record.queue]; }
  [[nodiscard]] const queue& queue_of(const job& record) const noexcept { return queues[record.queue]; }
  [[nodiscard]] std::uint64_t ids_left() const noexcept { return job_id_max.value() - last_job; }

  template <class Change>
  void record_change(Change&& fact) {
    if (collecting) changes.emplace_back(std::forward<Change>(fact));
  }
};

}  // namespace millrace::engine
