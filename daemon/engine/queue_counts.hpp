#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <millrace/base/counters.hpp>

#include "engine/command.hpp"
#include "engine/reason_counts.hpp"

namespace millrace::engine {

/// What a queue counts over its life. A few words, because there may be 200,000 queues.
///
/// `puts` counts each entry of a job from outside: a put, an output, and a job that another queue moved here, also as
/// a dead letter. `finished` counts ends: of a job that is done, removed, or given up as failed, which then counts in
/// `buried` or `dead_lettered` too. An attempt after which the job is tried again counts in `retried` or `postponed`
/// only. Jobs that a client buries count in `buried` only.
struct queue_counts {
  counter puts, reserved, released, kicked, ttr_expired, deletes, pauses;
  counter retried;      ///< failed attempts after which the job waits for another
  counter postponed;    ///< attempts after which the handler wanted the job again later
  counter interrupted;  ///< jobs handed out and never answered
  std::array<counter, outcome_count> finished;
  reason_counts buried, dead_lettered;  ///< dead letters count in the queue that they leave
  reason_counts rejected;               ///< puts, and dead letters of other queues, that this queue refused
};

/// Calls `combine(to's counter, source's counter)` for each of them. Those by reason are left out where `source` has
/// counted none.
template <class Combine>
void each_counter(queue_counts& to, const queue_counts& source, Combine combine) {
  for (const auto member :
       {&queue_counts::puts, &queue_counts::reserved, &queue_counts::released, &queue_counts::kicked,
        &queue_counts::ttr_expired, &queue_counts::deletes, &queue_counts::pauses, &queue_counts::retried,
        &queue_counts::postponed, &queue_counts::interrupted})
    combine(to.*member, source.*member);
  for (std::size_t i = 0; i < outcome_count; ++i) combine(to.finished[i], source.finished[i]);
  for (const auto member : {&queue_counts::buried, &queue_counts::dead_lettered, &queue_counts::rejected}) {
    if (!(source.*member).any()) continue;
    for (std::size_t i = 0; i < reason_count; ++i) combine((to.*member)[i], (source.*member)[i]);
  }
}

/// How long jobs stayed. Queues with a row in the metrics have a set each, all others share one.
struct queue_timings {
  histogram wait;        ///< ready → reserved
  histogram service;     ///< reserved → done
  histogram end_to_end;  ///< put → done
};

/// How many and how old, at one moment.
struct queue_levels {
  std::uint64_t ready{0}, reserved{0}, delayed{0}, buried{0}, urgent{0};  ///< urgent: ready with priority < 1024
  std::uint64_t ready_bytes{0}, reserved_bytes{0}, delayed_bytes{0}, buried_bytes{0};
  instant oldest_ready{never}, oldest_reserved{never}, oldest_delayed{never},
      oldest_buried{never};  ///< when the oldest entered the state
  std::uint32_t using_sessions{0}, watching_sessions{0}, waiting_sessions{0}, waiting_puts{0};
  instant first_put_waits_since{never};  ///< the put, or finish, that is admitted next
  duration paused_for{0};
  instant paused_until{no_pause};

  [[nodiscard]] std::uint64_t jobs() const noexcept { return ready + reserved + delayed + buried; }
  [[nodiscard]] std::uint64_t bytes() const noexcept {
    return ready_bytes + reserved_bytes + delayed_bytes + buried_bytes;
  }
};

/// Of all queues together, those that have disappeared included.
struct engine_totals {
  std::uint64_t ready{0}, reserved{0}, delayed{0}, buried{0}, urgent{0};
  counter puts, ttr_expired;
};

}  // namespace millrace::engine
