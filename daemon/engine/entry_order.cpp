#include "engine/entry_order.hpp"

#include <algorithm>

namespace millrace::engine {

entry_order::entry_order(core& core) : core_{core} {
  core_.queues.list(0, core_.queues.size(), queues_);
  std::erase_if(queues_, [this](queue_id id) { return !core_.queues.find(id)->unsorted; });
}

bool entry_order::advance(std::size_t jobs_max) {
  for (std::size_t jobs = 0; !queues_.empty() && jobs < jobs_max; ++jobs) {
    switch (step_) {
      case step::begin:
        begin_list();
        break;
      case step::read:
        read_run();
        jobs += runs_.back().end - runs_.back().next - 1;
        break;
      case step::link:
        link_earliest();
        break;
    }
  }
  return queues_.empty();
}

void entry_order::begin_list() {
  const state_list& list = core_.queues.find(queues_.back())->by_state[state_];
  timed_jobs_.clear();
  timed_jobs_.reserve(list.count);
  unread_ = list.first;
  if (unread_ == no_slot) return end_list();
  step_ = step::read;
}

void entry_order::read_run() {
  const std::size_t begin = timed_jobs_.size();
  while (unread_ != no_slot && timed_jobs_.size() < begin + jobs_per_run) {
    const job& read = core_.jobs[unread_];
    timed_jobs_.emplace_back(read.entered_at, unread_);
    unread_ = read.later;
  }
  runs_.push_back({begin, timed_jobs_.size()});
  std::ranges::stable_sort(timed_jobs_.begin() + static_cast<std::ptrdiff_t>(begin), timed_jobs_.end(), {},
                           &timed_job::first);
  if (unread_ != no_slot) return;
  std::ranges::make_heap(runs_, [this](const run& one, const run& other) { return later(one, other); });
  step_ = step::link;
}

void entry_order::link_earliest() {
  const auto order = [this](const run& one, const run& other) { return later(one, other); };
  std::ranges::pop_heap(runs_, order);
  run& earliest = runs_.back();
  const slot at = timed_jobs_[earliest.next].second;
  core_.jobs[at].earlier = last_;
  core_.jobs[at].later = no_slot;
  (last_ == no_slot ? first_ : core_.jobs[last_].later) = at;
  last_ = at;
  if (++earliest.next == earliest.end) {
    runs_.pop_back();
  } else {
    std::ranges::push_heap(runs_, order);
  }
  if (runs_.empty()) end_list();
}

void entry_order::end_list() {
  queue& sorted = *core_.queues.find(queues_.back());
  sorted.by_state[state_].first = std::exchange(first_, no_slot);
  sorted.by_state[state_].last = std::exchange(last_, no_slot);
  step_ = step::begin;
  if (++state_ < job_state_count) return;
  sorted.unsorted = false;
  state_ = 0;
  queues_.pop_back();
}

/// Of two jobs that entered at the same time, that of the earlier run is the earlier one.
bool entry_order::later(const run& one, const run& other) const noexcept {
  const instant of_one = timed_jobs_[one.next].first;
  const instant of_other = timed_jobs_[other.next].first;
  return of_one != of_other ? of_one > of_other : one.next > other.next;
}

}  // namespace millrace::engine
