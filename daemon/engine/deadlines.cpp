#include "engine/deadlines.hpp"

#include <algorithm>
#include <cassert>

namespace millrace::engine {

namespace {

constexpr std::size_t children = 4;
constexpr unsigned number_bits = 60;

}  // namespace

void deadlines::set(place& at, instant due, due_owner owner) {
  assert(owner.number >> number_bits == 0);
  const entry it{due, static_cast<std::uint64_t>(owner.kind) << number_bits | owner.number, &at};
  if (at == 0) {
    if (count_ == heap_.capacity()) heap_.grow();
    sift_up(count_++, it);
  } else if (std::size_t const now_at = at - 1; it.before(heap_[now_at])) {
    sift_up(now_at, it);
  } else {
    sift_down(now_at, it);
  }
}

void deadlines::clear(place& at) noexcept {
  if (at == 0) return;
  std::size_t const gap = at - 1;
  at = 0;
  const entry last = heap_[--count_];
  heap_.shrink(count_);
  if (gap == count_) return;
  // The last element may have to move up or down from the gap, because it may come from another branch.
  if (gap > 0 && last.before(heap_[(gap - 1) / children])) {
    sift_up(gap, last);
  } else {
    sift_down(gap, last);
  }
}

due_owner deadlines::first_owner() const noexcept {
  std::uint64_t const owner = heap_[0].owner;
  return {static_cast<due_kind>(owner >> number_bits), owner & ((std::uint64_t{1} << number_bits) - 1)};
}

void deadlines::sift_up(std::size_t at, entry it) noexcept {
  while (at > 0) {
    std::size_t const above = (at - 1) / children;
    if (!it.before(heap_[above])) break;
    put(at, heap_[above]);
    at = above;
  }
  put(at, it);
}

void deadlines::sift_down(std::size_t at, entry it) noexcept {
  for (;;) {
    std::size_t const begin = at * children + 1;
    std::size_t const end = std::min(begin + children, count_);
    if (begin >= end) break;
    std::size_t least = begin;
    for (std::size_t child = begin + 1; child < end; ++child) {
      if (heap_[child].before(heap_[least])) least = child;
    }
    if (!heap_[least].before(it)) break;
    put(at, heap_[least]);
    at = least;
  }
  put(at, it);
}

void deadlines::put(std::size_t at, const entry& it) noexcept {
  heap_[at] = it;
  *it.at = static_cast<place>(at + 1);
}

}  // namespace millrace::engine
