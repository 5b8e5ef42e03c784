#include "engine/job_heap.hpp"

#include <utility>

namespace millrace::engine {

namespace {

slot& left(job& record) noexcept { return record.link[0]; }
slot& right(job& record) noexcept { return record.link[1]; }
slot& parent(job& record) noexcept { return record.link[2]; }

/// Restores the leftist property: the child with the greater rank is on the left. The blank record of `no_slot` has
/// rank 0. Returns whether the rank of `record` has changed.
bool restore_leftist(job_table& jobs, job& record) noexcept {
  if (jobs[left(record)].rank < jobs[right(record)].rank) std::swap(left(record), right(record));
  const auto old_rank = std::exchange(record.rank, static_cast<std::uint8_t>(jobs[right(record)].rank + 1));
  return record.rank != old_rank;
}

}  // namespace

template <class Before>
void job_heap<Before>::push(job_table& jobs, slot at) noexcept {
  job& record = jobs[at];
  record.link = {};
  record.rank = 1;
  root_ = merge(jobs, root_, at);
  parent(jobs[root_]) = no_slot;
}

template <class Before>
void job_heap<Before>::remove(job_table& jobs, slot at) noexcept {
  job& record = jobs[at];
  const slot rest = merge(jobs, left(record), right(record));
  slot above = parent(record);
  if (rest != no_slot) parent(jobs[rest]) = above;
  if (above == no_slot) {
    root_ = rest;
  } else {
    (left(jobs[above]) == at ? left(jobs[above]) : right(jobs[above])) = rest;
  }
  while (above != no_slot && restore_leftist(jobs, jobs[above])) above = parent(jobs[above]);
  record.link = {};
  record.rank = 0;
}

template <class Before>
std::pair<slot, slot> job_heap<Before>::below(const job_table& jobs, slot at) noexcept {
  return {jobs[at].link[0], jobs[at].link[1]};
}

// Goes down two right spines, at most twice the logarithm of the number of jobs, and up again. The way up ends where no
// rank changes any more, above the topmost job that got another job on its right. A push of the last one visits one
// spine and little of what is left of it.
template <class Before>
slot job_heap<Before>::merge(job_table& jobs, slot one, slot other) const noexcept {
  if (one == no_slot) return other;
  if (other == no_slot) return one;
  if (Before{}(jobs[other], jobs[one])) std::swap(one, other);
  slot topmost_changed = no_slot;
  slot at = one;
  for (slot below = right(jobs[at]); below != no_slot; at = below, below = right(jobs[at])) {
    if (!Before{}(jobs[other], jobs[below])) continue;
    std::swap(below, other);
    right(jobs[at]) = below;
    parent(jobs[below]) = at;
    if (topmost_changed == no_slot) topmost_changed = at;
  }
  right(jobs[at]) = other;
  parent(jobs[other]) = at;
  if (topmost_changed == no_slot) topmost_changed = at;
  for (bool must_go_on = true;; at = parent(jobs[at])) {
    if (at == topmost_changed) must_go_on = false;
    const bool has_changed = restore_leftist(jobs, jobs[at]);
    if (at == one || (!must_go_on && !has_changed)) return one;
  }
}

template class job_heap<served_before>;

}  // namespace millrace::engine
