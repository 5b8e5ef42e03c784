#include "engine/ready_order.hpp"

#include <algorithm>

namespace millrace::engine {

namespace {

slot& previous(job& it) noexcept { return it.link[0]; }
slot& next(job& it) noexcept { return it.link[1]; }

}  // namespace

std::size_t ready_order::place_of(priority wanted) const noexcept {
  std::size_t at = 0;
  while (at < count_ && lanes_[at].priority < wanted) ++at;
  return at;
}

void ready_order::insert(job_table& jobs, slot at) noexcept {
  job& it = jobs[at];
  std::size_t const place = place_of(it.priority);
  const bool there = place < count_ && lanes_[place].priority == it.priority;
  if (there && jobs[lanes_[place].last].id < it.id) {
    slot& last = lanes_[place].last;
    previous(it) = last;
    next(it) = no_slot;
    next(jobs[last]) = at;
    last = at;
  } else if (!there && count_ < lanes_max) {
    std::move_backward(lanes_.begin() + place, lanes_.begin() + count_, lanes_.begin() + count_ + 1);
    lanes_[place] = {it.priority, at, at};
    ++count_;
    it.link = {};
  } else {
    it.in_heap = true;
    returned_.push(jobs, at);
  }
}

void ready_order::remove(job_table& jobs, slot at) noexcept {
  job& it = jobs[at];
  if (it.in_heap) {
    it.in_heap = false;
    returned_.remove(jobs, at);
    return;
  }
  std::size_t const place = place_of(it.priority);
  lane& its = lanes_[place];
  (previous(it) == no_slot ? its.first : next(jobs[previous(it)])) = next(it);
  (next(it) == no_slot ? its.last : previous(jobs[next(it)])) = previous(it);
  if (its.first == no_slot) {
    std::move(lanes_.begin() + place + 1, lanes_.begin() + count_, lanes_.begin() + place);
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
  // The heads of all lanes and of the heap; whoever is taken is followed by those behind.
  std::vector<slot> heads;
  const auto later = [&](slot one, slot other) { return served_before{}(jobs[other], jobs[one]); };
  const auto add = [&](slot at) {
    if (at == no_slot) return;
    heads.push_back(at);
    std::push_heap(heads.begin(), heads.end(), later);
  };
  for (std::size_t place = 0; place < count_; ++place) add(lanes_[place].first);
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
