#pragma once

#include <cstddef>
#include <cstdint>

#include <millrace/base/ids.hpp>

#include "engine/job.hpp"
#include "engine/record_pool.hpp"
#include "engine/slab.hpp"

namespace millrace::engine {

/// Owns all jobs and finds a job by its id. A record keeps its address from `add` to `remove`.
///
/// Owned by the core of the engine; only the engine's thread calls it.
///
/// The index is linear hashing (Litwin, 1980). Jobs of one bucket are linked through their records. An `add` that makes
/// more jobs than buckets splits one bucket, so the index grows in small steps and no `add` is slow. Ids rise by one. A
/// block of 512 ids has a block of 512 buckets, so jobs that were put together are near each other in the index. The
/// order inside a block differs from block to block: otherwise jobs that are left over at a regular distance would
/// share few buckets.
///
/// Memory: 96 B for each job, in pages that are returned when they are empty; and 4 B in buckets, which are not
/// returned, for each of the most jobs that there ever were. Histories are extra.
class job_table {
 public:
  job_table();

  [[nodiscard]] job& operator[](slot at) noexcept { return records_[at]; }
  [[nodiscard]] const job& operator[](slot at) const noexcept { return records_[at]; }

  /// `no_slot` when there is no such job.
  [[nodiscard]] slot find(job_id id) const noexcept;
  /// Adds a blank record. Requires: no job has this id.
  slot add(job_id id);
  /// Removes the job with its body and its history.
  void remove(slot at) noexcept;

  /// The rare facts of a job, made when first asked for.
  [[nodiscard]] job_history& history_of(slot at);
  /// The rare facts of a job; a blank history if it has none.
  [[nodiscard]] const job_history& history_if_any(slot at) const noexcept { return histories_[records_[at].history]; }

  [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return records_.bytes() + buckets_.bytes() + histories_.bytes(); }

 private:
  [[nodiscard]] std::size_t bucket_of(job_id id) const noexcept;
  void split();

  record_pool<job, &job::same_bucket, 1024> records_;
  record_pool<job_history, &job_history::next_free, 256> histories_;
  paged<slot, 16'384> buckets_;
  std::size_t whole_{1024};      ///< buckets when the present doubling began, a power of two
  std::size_t split_{0};         ///< of them, how many have been split
  std::uint64_t highest_id_{0};  ///< ever added; `find` does not search for a higher one
};

}  // namespace millrace::engine
