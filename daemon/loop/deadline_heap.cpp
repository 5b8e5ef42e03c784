#include "loop/deadline_heap.hpp"

#include <algorithm>
#include <cassert>

namespace millrace::loop {

namespace {
constexpr std::size_t children = 4;

bool before(const due_entry& a, const due_entry& b) noexcept {
  return a.when != b.when ? a.when < b.when : a.order < b.order;
}
}  // namespace

void deadline_heap::set(due_entry& entry, instant when) {
  if (when == never) return clear(entry);
  if (entry.heap_index == due_entry::not_in_heap) {
    entry.heap_index = entries_.size();
    entries_.push_back(&entry);
  }
  assert(entries_[entry.heap_index] == &entry);
  entry.when = when;
  entry.order = ++sets_;
  rise(entry.heap_index);
  sink(entry.heap_index);
}

void deadline_heap::clear(due_entry& entry) noexcept {
  if (entry.heap_index == due_entry::not_in_heap) return;
  const std::size_t gap = entry.heap_index;
  assert(entries_[gap] == &entry);
  due_entry* const last = entries_.back();
  entries_.pop_back();
  entry.heap_index = due_entry::not_in_heap;
  entry.when = never;
  if (last == &entry) return;
  put(gap, last);
  rise(gap);
  sink(last->heap_index);
}

due_entry* deadline_heap::take_due(instant now) noexcept {
  if (entries_.empty() || entries_.front()->when > now) return nullptr;
  due_entry* const first = entries_.front();
  clear(*first);
  return first;
}

void deadline_heap::put(std::size_t place, due_entry* entry) noexcept {
  entries_[place] = entry;
  entry->heap_index = place;
}

void deadline_heap::rise(std::size_t place) noexcept {
  due_entry* const moving = entries_[place];
  while (place > 0) {
    const std::size_t parent = (place - 1) / children;
    if (!before(*moving, *entries_[parent])) break;
    put(place, entries_[parent]);
    place = parent;
  }
  put(place, moving);
}

void deadline_heap::sink(std::size_t place) noexcept {
  due_entry* const moving = entries_[place];
  for (;;) {
    const std::size_t first = place * children + 1;
    if (first >= entries_.size()) break;
    const std::size_t end = std::min(first + children, entries_.size());
    std::size_t earliest = first;
    for (std::size_t child = first + 1; child < end; ++child) {
      if (before(*entries_[child], *entries_[earliest])) earliest = child;
    }
    if (!before(*entries_[earliest], *moving)) break;
    put(place, entries_[earliest]);
    place = earliest;
  }
  put(place, moving);
}

}  // namespace millrace::loop
