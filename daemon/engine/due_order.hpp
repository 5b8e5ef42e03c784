#pragma once

#include "base/indexed_heap.hpp"
#include "engine/job_table.hpp"

namespace millrace::engine {

/// The delayed jobs of one queue by (due time, id). The due times stand in the order itself, so that a comparison
/// rarely reads a job: adding and removing cost the logarithm of the number, and few misses of the cache. 16 B for each
/// delayed job, in pages of 256 B, of which a queue that had delayed jobs keeps up to two.
class due_order {
 public:
  [[nodiscard]] slot first() const noexcept { return jobs_.empty() ? no_slot : own_slot(*jobs_.first().record); }
  /// Requires: its time of entry and its delay are set, and do not change until `remove`.
  void push(job_table& jobs, slot at);
  void remove(job_table& jobs, slot at) noexcept;

 private:
  struct entry {
    instant due{};
    job* record{nullptr};

    [[nodiscard]] bool before(const entry& other) const noexcept {
      return due != other.due ? due < other.due : record->id < other.record->id;
    }
    void moved_to(std::size_t index) const noexcept { index_of(*record) = static_cast<std::uint32_t>(index); }
  };

  [[nodiscard]] static std::uint32_t& index_of(job& record) noexcept { return record.link[0]; }
  [[nodiscard]] static slot& own_slot(job& record) noexcept { return record.link[1]; }

  indexed_heap<entry, 16> jobs_;
};

inline void due_order::push(job_table& jobs, slot at) {
  job& record = jobs[at];
  own_slot(record) = at;
  jobs_.push({due_of(record), &record});
}

inline void due_order::remove(job_table& jobs, slot at) noexcept {
  job& record = jobs[at];
  jobs_.remove(index_of(record));
  record.link = {};
}

}  // namespace millrace::engine
