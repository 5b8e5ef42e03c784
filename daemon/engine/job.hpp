#pragma once

#include <array>
#include <cstdint>
#include <string>

#include <millrace/base/ids.hpp>
#include <millrace/base/time.hpp>

#include "engine/command.hpp"
#include "engine/deadlines.hpp"
#include "engine/job_body.hpp"
#include "engine/slab.hpp"

namespace millrace::engine {

inline constexpr std::size_t job_state_count = 4;

/// Whether a command or a deadline may move a job from `old_state` to `new_state`. A job can be removed from every
/// state.
[[nodiscard]] constexpr bool may_become(job_state old_state, job_state new_state) noexcept {
  switch (old_state) {
    case job_state::ready:
      // Buried: an expired job; at a start also one that was handed out too often.
      return new_state == job_state::reserved || new_state == job_state::buried;
    case job_state::reserved:
      return new_state != job_state::reserved;
    case job_state::delayed:
      return new_state != job_state::delayed;
    case job_state::buried:
      return new_state == job_state::ready || new_state == job_state::reserved;
  }
  return false;
}

/// A job. There may be millions, so facts that few jobs have are in `job_history`. The meaning of `link` depends on the
/// state:
/// - ready: previous and next job of its lane; with `in_heap`, left child, right child and parent in the heap of
///   returned jobs;
/// - delayed: its index in the heap of its queue's due times, and its own slot;
/// - reserved: previous and next job that its session holds, and the heap position of its lease in `core::due`.
struct job {
  job_id id;
  job_body content;
  instant put_at{};
  instant entered_at{};  ///< when it entered its present state; a delay counts from here
  duration ttr{0};
  duration delay{0};  ///< the last one it was given
  slot queue{no_slot};
  millrace::engine::priority priority{0};
  slot earlier{no_slot}, later{no_slot};  ///< job of its queue in this state, in order of entry
  std::array<std::uint32_t, 3> link{};
  slot same_bucket{no_slot};  ///< next job in its bucket of the index; of a free record: the next one
  slot holder{no_slot};       ///< session; reserved only
  slot history{no_slot};
  std::uint32_t reserves{0};
  job_state state{job_state::ready};
  std::uint8_t rank{0};  ///< in the leftist heap: 1 + the smaller rank of its children; none: 0
  bool in_heap : 1 {false};
  bool deadline_soon : 1 {false};       ///< the holder is being warned
  bool leased : 1 {false};              ///< its reservation has a deadline
  bool has_waiting_finish : 1 {false};  ///< for capacity of another queue
  bool on_disk : 1 {false};             ///< its body is on disk, so it may leave memory
  bool memory_limited : 1 {false};      ///< its body counts in `core::body_bytes` while it is in memory or being read
  bool body_requested : 1 {false};      ///< from disk, and not here yet
  bool pinned : 1 {false};              ///< a cursor may point at it
  bool recorded : 1 {false};  ///< the store knew it when it came to this queue: its changes are always written
  bool expires : 1 {false};   ///< its history has a time of expiry
  bool in_group : 1 {false};  ///< its history names its group
};
static_assert(sizeof(job) <= 96, "config/README.md promises the memory of a ready job");

/// When a delayed job is due.
[[nodiscard]] inline instant due_of(const job& record) noexcept { return after(record.entered_at, record.delay); }

/// The order in which ready jobs are served.
struct served_before {
  [[nodiscard]] bool operator()(const job& one, const job& other) const noexcept {
    return one.priority != other.priority ? one.priority < other.priority : one.id < other.id;
  }
};

struct capacity_waiter;

/// Facts that few jobs have. The inherited `reserves` stays 0, since every job counts it in `job::reserves`.
struct job_history : job_tally {
  std::string error_text;
  job_details details{};
  capacity_waiter* finish{nullptr};    ///< its finish that waits for capacity
  deadlines::heap_position expiry{0};  ///< in `core::expiring`, while it is ready or delayed and expires
  slot next_free{no_slot};

  /// Gives every member its initial value. Most have no text, so this costs less than an assignment of `{}`.
  void reset() noexcept {
    static_cast<job_tally&>(*this) = {};
    if (error_text.capacity() != std::string{}.capacity()) error_text = std::string{};
    error_text.clear();
    if (details.origin.capacity() != std::string{}.capacity()) details.origin = std::string{};
    details.origin.clear();
    details.cause.reset();
    details.first_failure = details.last_failure = details.expires_at = never;
    details.group = {};
    details.group_place = 0;
    finish = nullptr;
    expiry = 0;
    next_free = no_slot;
  }
};

[[nodiscard]] inline job_tally tally_of(const job& record, const job_history& history) noexcept {
  job_tally tally = history;
  tally.reserves = record.reserves;
  return tally;
}

}  // namespace millrace::engine
