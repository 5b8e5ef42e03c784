#include "engine/job_heap.hpp"

#include <utility>

namespace millrace::engine {

namespace {

slot& left(job& it) noexcept { return it.link[0]; }
slot& right(job& it) noexcept { return it.link[1]; }
slot& parent(job& it) noexcept { return it.link[2]; }

/// Puts the child with the greater rank on the left; the blank record of `no_slot` has rank 0. Returns whether the rank
/// of the parent has changed.
bool admit_waiters(job_table& jobs, job& it) noexcept {
  if (jobs[left(it)].rank < jobs[right(it)].rank) std::swap(left(it), right(it));
  return std::exchange(it.rank, static_cast<std::uint8_t>(jobs[right(it)].rank + 1)) != it.rank;
}

}  // namespace

template <class Before>
void job_heap<Before>::push(job_table& jobs, slot at) noexcept {
  job& it = jobs[at];
  it.link = {};
  it.rank = 1;
  root_ = merge(jobs, root_, at);
  parent(jobs[root_]) = no_slot;
}

template <class Before>
void job_heap<Before>::remove(job_table& jobs, slot at) noexcept {
  job& it = jobs[at];
  const slot rest = merge(jobs, left(it), right(it));
  slot above = parent(it);
  if (rest != no_slot) parent(jobs[rest]) = above;
  if (above == no_slot) {
    root_ = rest;
  } else {
    (left(jobs[above]) == at ? left(jobs[above]) : right(jobs[above])) = rest;
  }
  while (above != no_slot && admit_waiters(jobs, jobs[above])) above = parent(jobs[above]);
  it.link = {};
  it.rank = 0;
}

template <class Before>
std::pair<slot, slot> job_heap<Before>::below(const job_table& jobs, slot at) noexcept {
  return {jobs[at].link[0], jobs[at].link[1]};
}

// The recursion depth is the length of two right spines: at most twice the logarithm of the number of jobs.
template <class Before>
slot job_heap<Before>::merge(job_table& jobs, slot one, slot other) const noexcept {
  if (one == no_slot) return other;
  if (other == no_slot) return one;
  if (Before{}(jobs[other], jobs[one])) std::swap(one, other);
  job& top = jobs[one];
  const slot below = merge(jobs, right(top), other);
  right(top) = below;
  parent(jobs[below]) = one;
  admit_waiters(jobs, top);
  return one;
}

template class job_heap<served_before>;
template class job_heap<due_before>;

}  // namespace millrace::engine
