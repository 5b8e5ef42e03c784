#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "engine/core.hpp"

namespace millrace::engine {

/// Puts the jobs of each state of each queue in order of entry, after a restore that brought them in another order. The
/// work of one call is bounded: runs of jobs are sorted one by one and then merged.
///
/// Owned by the engine, from its last restored job until this is done; one thread. Meanwhile no job may enter or leave
/// a state. It takes 16 bytes of memory for each job of the longest list.
class entry_order {
 public:
  /// `core` outlives it.
  explicit entry_order(core& core);

  /// Sorts or links at least one and at most `jobs_max` + `run_jobs` jobs. True: all lists are in order.
  [[nodiscard]] bool advance(std::size_t jobs_max);

  static constexpr std::size_t run_jobs = 8'192;

 private:
  using entry = std::pair<instant, slot>;
  struct run {
    std::size_t next, end;  ///< in `entries_`
  };
  enum class step { begin, read, link };

  void begin_list();
  void read_run();
  void link_earliest();
  void end_list();
  [[nodiscard]] bool later(const run& one, const run& other) const noexcept;

  core& core_;
  std::vector<queue_id> queues_;  ///< to be put in order; the last one is at hand
  std::size_t state_{0};          ///< of the list at hand
  step step_{step::begin};
  std::vector<entry> entries_;
  slot unread_{no_slot};
  std::vector<run> runs_;  ///< once all jobs are read, a heap with the earliest entry on top
  slot first_{no_slot}, last_{no_slot};
};

}  // namespace millrace::engine
