#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <millrace/base/option.hpp>
#include <millrace/base/time.hpp>

#include "engine/durability.hpp"
#include "engine/retry_options.hpp"

namespace millrace::engine {

/// What a put meets in a full queue.
enum class overflow {
  block,        ///< it waits until there is capacity
  reject,       ///< it is refused
  drop_oldest,  ///< the job longest ready is dropped for it; refused if none is ready
};

/// Limits and promises of one queue. `max_jobs` and `max_bytes` count jobs of all states. Only puts, outputs, dead
/// letters and outcomes of groups are checked against them. Jobs that are restored or moved by a `job_change`, and jobs
/// that only change their state, are not. So a queue can hold more.
struct queue_options {
  std::uint64_t max_jobs{1'000'000};
  std::uint64_t max_bytes{1ull << 30};
  overflow when_full{overflow::block};
  engine::durability durability{engine::durability::memory};
  retry_options retry{};  ///< of jobs whose handler failed, where the consumer does not say otherwise
  /// Interruptions after which a job is `undeliverable`; 0: no limit; none: no limit, except for a job whose consumer
  /// runs it in another process.
  std::optional<std::uint32_t> deliveries_max{};
  std::string dead_letter{};  ///< queue for jobs that end badly; empty: expired jobs are removed, others buried
  std::optional<duration> expire_after{};  ///< from the put: a job that nobody took by then ends
};

[[nodiscard]] const options_of<queue_options>& queue_option_table();

/// The largest `queues_max`: the id of a queue has bits for so many.
inline constexpr std::uint32_t queues_max_most = 4'000'000;

/// `deliveries_max` of a job that ends its worker process, where its queue says nothing.
inline constexpr std::uint32_t process_deliveries_max = 3;

/// Limits of the whole engine.
struct engine_options {
  std::uint32_t queues_max{200'000};        ///< declared and named together; asserted: 1 to `queues_max_most`
  std::uint32_t watched_queues_max{1'000};  ///< of one session
  std::uint32_t queue_rows_max{200};        ///< queues with a row of their own in the metrics; all others share one
  duration metrics_linger{std::chrono::minutes{15}};  ///< how long the row of a removed queue stays
  duration lease_margin{
      std::chrono::seconds{1}};  ///< before the end of a lease: its holder is warned instead of waiting
  std::optional<std::uint64_t> body_memory_max{};  ///< bytes; of durable queues; none: all bodies stay in memory
  std::uint32_t cursors_max{256};  ///< of walks over jobs that clients keep; beyond it the least recently used one goes
  std::uint32_t body_prefetch{256};                 ///< of each queue: so many jobs before it is their turn
  std::uint32_t groups_max{100'000};                ///< that are not over
  std::uint32_t group_members_max{1'000'000};       ///< of one group
  std::uint32_t groups_ended_kept{1'000};           ///< groups that are over and can still be looked at
  duration group_open_max{std::chrono::hours{1}};   ///< a group without an owner that is open for longer is closed
  std::uint64_t group_texts_bytes_max{1ull << 30};  ///< of memory, by the results and errors of members of all groups
};

/// Jobs that one call moves at most when many come due or are kicked at once; the caller yields and calls again.
inline constexpr std::size_t moves_per_turn_max = 1'000;

}  // namespace millrace::engine
