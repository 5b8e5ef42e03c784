#pragma once

#include <array>
#include <cstdint>
#include <string>

#include <millrace/base/ids.hpp>

#include "engine/capacity_waiters.hpp"
#include "engine/deadlines.hpp"
#include "engine/due_order.hpp"
#include "engine/options.hpp"
#include "engine/queue_counts.hpp"
#include "engine/queue_rows.hpp"
#include "engine/ready_order.hpp"
#include "engine/waiters.hpp"

namespace millrace::engine {

/// The jobs of one queue in one state, in the order in which they came into it: the oldest, the first to be kicked, and
/// the first to be dropped is the first.
struct state_list {
  slot first{no_slot}, last{no_slot};
  std::uint32_t count{0};
  std::uint64_t bytes{0};
};

/// Capacity that a request needs in a queue, after other jobs have left it.
struct demand {
  std::uint64_t jobs{1}, bytes{0};
  std::uint64_t leaving_jobs{0}, leaving_bytes{0};
};

/// One queue: its jobs by state, the sessions that wait for jobs, the requests that wait for capacity, its limits and
/// its counts. Functions around it do what concerns several queues, sessions or later times. Here, everything but the
/// order of jobs takes constant time. There may be 200,000: 656 B each; name, histograms
/// and counts by reason apart.
struct queue {
  // The members that every put, reserve and finish uses come first: with many queues, each cache line is a miss.
  queue_id id;
  slot next_free{no_slot};
  bool declared{false};
  queue_rows::index row{queue_rows::none};  ///< in the metrics
  bool to_update{false};                    ///< in `core::queues_to_update`
  bool unsorted{false};  ///< jobs were restored in another order than that in which they came into their states
  std::uint32_t urgent{0};
  std::uint32_t ready_on_disk{0};              ///< ready jobs whose bodies are not in memory
  std::uint32_t reserves_until_read_ahead{0};  ///< of this queue, until bodies are read ahead again
  std::uint32_t using_sessions{0}, watching_sessions{0};
  std::array<state_list, job_state_count> by_state{};
  instant paused_until{no_pause};
  waiters waiting;
  queue_options options;
  millrace::engine::capacity_waiters capacity_waiters;
  ready_order ready;
  queue_counts counts;
  due_order delayed;
  deadlines::heap_position delay_end{0}, pause_end{0};
  duration paused_for{0};
  std::uint64_t created{0};  ///< ordinal of creation
  std::string name;

  [[nodiscard]] state_list& at(job_state state) noexcept { return by_state[static_cast<std::size_t>(state)]; }
  [[nodiscard]] const state_list& at(job_state state) const noexcept {
    return by_state[static_cast<std::size_t>(state)];
  }
  [[nodiscard]] std::uint64_t jobs() const noexcept;
  [[nodiscard]] std::uint64_t bytes() const noexcept;
  [[nodiscard]] bool paused() const noexcept { return paused_until != no_pause; }
  /// Whether nothing holds it any more.
  [[nodiscard]] bool idle() const noexcept;

  /// Whether the limits allow it now, and whether they ever could.
  [[nodiscard]] bool fits(const demand& needed) const noexcept;
  [[nodiscard]] bool could_fit(const demand& needed) const noexcept;
  /// Whether it would fit if jobs that stand ready were dropped.
  [[nodiscard]] bool fits_after_drops(const demand& needed) const noexcept;

  /// A job that is in no state comes into `state`, or leaves the one it is in. The holder's side of `reserved` is not
  /// done here.
  void enter(job_table& jobs, slot at, job_state state, instant now);
  void leave(job_table& jobs, slot at) noexcept;

  [[nodiscard]] queue_levels levels(const job_table& jobs) const noexcept;
};

static_assert(sizeof(queue) <= 768, "a queue with one job takes at most 1 KiB");

/// Below this, a priority is urgent (PROTOCOL.md §5).
inline constexpr priority urgent_below = 1024;

}  // namespace millrace::engine
