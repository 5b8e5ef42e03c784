#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "engine/core.hpp"

namespace millrace::engine {

/// Sorts the jobs of each state of a queue by the time at which they entered that state. Needed after a restore, for
/// the queues that it filled in another order (`queue::unsorted`). A merge sort: one call does a bounded part of it.
///
/// Owned by the engine, from the end of a restore until `advance` returns true; the engine's thread. Requires: no job
/// enters or leaves a state meanwhile. Memory: 16 B for each job of the longest list that it sorts.
class entry_order {
 public:
  /// `core` outlives it.
  explicit entry_order(core& core);

  /// Sorts or links at most `jobs_max` + `jobs_per_run` jobs. True: all lists are in order. Requires: `jobs_max` > 0.
  [[nodiscard]] bool advance(std::size_t jobs_max);

  static constexpr std::size_t jobs_per_run = 8'192;  ///< sorted in one go

 private:
  using timed_job = std::pair<instant, slot>;
  struct run {
    std::size_t next, end;  ///< in `timed_jobs_`
  };
  enum class step { begin, read, link };

  void begin_list();
  void read_run();
  void link_earliest();
  void end_list();
  [[nodiscard]] bool later(const run& one, const run& other) const noexcept;

  core& core_;
  std::vector<queue_id> queues_;  ///< still to be sorted; the last one is the current one
  std::size_t state_{0};          ///< of the current list
  step step_{step::begin};
  std::vector<timed_job> timed_jobs_;
  slot unread_{no_slot};
  std::vector<run> runs_;                ///< once all jobs are read, a heap with the earliest entry on top
  slot first_{no_slot}, last_{no_slot};  ///< of the list that is being linked
};

}  // namespace millrace::engine
