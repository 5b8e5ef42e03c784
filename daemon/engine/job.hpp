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

/// Whether a command or a deadline may move a job from one state to the other. A job can be removed from every state.
[[nodiscard]] constexpr bool may_become(job_state old_state, job_state to) noexcept {
  switch (old_state) {
    case job_state::ready:
      // Buried: an expired job; at a start also one that was handed out too often.
      return to == job_state::reserved || to == job_state::buried;
    case job_state::reserved:
      return to != job_state::reserved;
    case job_state::delayed:
      return to != job_state::delayed;
    case job_state::buried:
      return to == job_state::ready || to == job_state::reserved;
  }
  return false;
}

/// A job. There are millions: what most jobs never have stands in `job_history`, and the three words of `link` serve
/// the state the job is in:
/// - ready: previous and next of its lane, or left, right and parent of the heap of returned jobs;
/// - delayed: the position in its queue's order of due times, and its own slot;
/// - reserved: previous and next of what its session holds, and the heap position of its lease's deadline.
struct job {
  job_id id;
  job_body content;
  instant put_at{};
  instant entered_at{};  ///< when it entered its present state; a delay counts from here
  duration ttr{0};
  duration delay{0};  ///< the last one it was given
  slot queue{no_slot};
  millrace::engine::priority priority{0};
  slot earlier{no_slot}, later{no_slot};  ///< of its queue and state, in order of entry
  std::array<std::uint32_t, 3> link{};
  slot same_bucket{no_slot};  ///< the next job of the index's bucket; the next free record
  slot holder{no_slot};       ///< session; reserved only
  slot history{no_slot};
  std::uint32_t reserves{0};
  job_state state{job_state::ready};
  std::uint8_t rank{0};  ///< in a heap: length of the shortest way down to a gap
  bool in_heap : 1 {false};
  bool deadline_soon : 1 {false};  ///< the holder is being warned
  bool leased : 1 {false};         ///< its reservation has a deadline
  bool has_waiting : 1 {false};    ///< a finish of it waits for capacity
  bool on_disk : 1 {false};        ///< its body is, and need not be in memory
  bool bounded : 1 {false};        ///< its body counts for what bodies may take of memory
  bool wanted : 1 {false};         ///< its body is being read from disk
  bool pinned : 1 {false};         ///< a cursor may point at it
  bool recorded : 1 {false};       ///< the store had it when it moved here: its changes are written in any queue
  bool expires : 1 {false};        ///< its history has a time of expiry
  bool in_group : 1 {false};       ///< its history names its group
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

/// What most jobs never have. Its `reserves` stays 0: every job has that count, so it stands in `job`.
struct job_history : job_tally {
  std::string error_text;
  job_details details{};
  capacity_waiter* finish{nullptr};    ///< its finish that waits for capacity
  deadlines::heap_position expiry{0};  ///< in `core::expiring`, while it is ready or delayed and expires
  slot next_free{no_slot};

  /// To what it was before its first use. Most have no text, so that this costs less than an assignment of `{}`.
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
