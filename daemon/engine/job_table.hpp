#pragma once

#include <cstddef>
#include <cstdint>

#include <millrace/base/ids.hpp>

#include "engine/job.hpp"
#include "engine/record_pool.hpp"
#include "engine/slab.hpp"

namespace millrace::engine {

/// Where jobs live, and the way from an id to its job. Records stay where they are, from `add` to `remove`.
/// Owned by the core of the engine; its thread.
///
/// The index is linear hashing (Litwin, 1980): chains through the records, about one bucket a job, and each `add`
/// beyond that splits one bucket, so that growth costs each job its share and stalls none. Ids rise by one, so
/// neighbours in time are neighbours in the index: blocks of 512 ids keep together, and are shuffled inside so that
/// jobs left over at a regular distance spread out. Memory: 96 B of record a job, in pages that are returned when they
/// are empty, and 4 B of bucket a job, of the most there ever were.
class job_table {
 public:
  job_table();

  [[nodiscard]] job& operator[](slot at) noexcept { return records_[at]; }
  [[nodiscard]] const job& operator[](slot at) const noexcept { return records_[at]; }

  /// `no_slot` when there is no such job.
  [[nodiscard]] slot find(job_id id) const noexcept;
  /// A blank record under an id that is not there yet.
  slot add(job_id id);
  /// Lets body and history go, too.
  void remove(slot at) noexcept;

  /// The rare facts of a job, made when first asked for.
  [[nodiscard]] job_history& history_of(slot at);
  /// Those of a job that may have none: then zeros.
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
