#include "engine/ready_order.hpp"

#include <algorithm>

namespace millrace::engine {

namespace {

slot& previous(job& record) noexcept { return record.link[0]; }
slot& next(job& record) noexcept { return record.link[1]; }

}  // namespace

std::size_t ready_order::lane_of(priority wanted) const noexcept {
  std::size_t at = 0;
  while (at < count_ && lanes_[at].priority < wanted) ++at;
  return at;
}

void ready_order::insert(job_table& jobs, slot at) noexcept {
  job& record = jobs[at];
  const std::size_t index = lane_of(record.priority);
  const bool there = index < count_ && lanes_[index].priority == record.priority;
  if (there && jobs[lanes_[index].last].id < record.id) {
    slot& last = lanes_[index].last;
    previous(record) = last;
    next(record) = no_slot;
    next(jobs[last]) = at;
    last = at;
  } else if (!there && count_ < lanes_max) {
    std::move_backward(lanes_.begin() + index, lanes_.begin() + count_, lanes_.begin() + count_ + 1);
    lanes_[index] = {record.priority, at, at};
    ++count_;
    record.link = {};
  } else {
    record.in_heap = true;
    returned_.push(jobs, at);
  }
}

void ready_order::remove(job_table& jobs, slot at) noexcept {
  job& record = jobs[at];
  if (record.in_heap) {
    record.in_heap = false;
    returned_.remove(jobs, at);
    return;
  }
  const std::size_t index = lane_of(record.priority);
  lane& record_lane = lanes_[index];
  (previous(record) == no_slot ? record_lane.first : next(jobs[previous(record)])) = next(record);
  (next(record) == no_slot ? record_lane.last : previous(jobs[next(record)])) = previous(record);
  if (record_lane.first == no_slot) {
    std::move(lanes_.begin() + index + 1, lanes_.begin() + count_, lanes_.begin() + index);
    --count_;
  }
}

slot ready_order::first(const job_table& jobs) const noexcept {
  const slot in_lane = count_ == 0 ? no_slot : lanes_[0].first;
  const slot in_heap = returned_.first();
  if (in_lane == no_slot || in_heap == no_slot) return in_lane | in_heap;
  return served_before{}(jobs[in_heap], jobs[in_lane]) ? in_heap : in_lane;
}

void ready_order::first_few(const job_table& jobs, std::size_t most, std::vector<slot>& into) const {
  into.clear();
  // The heads of all lanes and of the heap. When a job is taken, the jobs behind it are added.
  std::vector<slot> heads;
  const auto later = [&](slot one, slot other) { return served_before{}(jobs[other], jobs[one]); };
  const auto add = [&](slot at) {
    if (at == no_slot) return;
    heads.push_back(at);
    std::push_heap(heads.begin(), heads.end(), later);
  };
  for (std::size_t index = 0; index < count_; ++index) add(lanes_[index].first);
  add(returned_.first());
  while (into.size() < most && !heads.empty()) {
    std::pop_heap(heads.begin(), heads.end(), later);
    const slot at = heads.back();
    heads.pop_back();
    into.push_back(at);
    if (jobs[at].in_heap) {
      const auto [left, right] = job_heap<served_before>::below(jobs, at);
      add(left);
      add(right);
    } else {
      add(jobs[at].link[1]);
    }
  }
}

}  // namespace millrace::engine
