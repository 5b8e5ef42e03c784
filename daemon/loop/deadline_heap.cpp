#include "loop/deadline_heap.hpp"

#include <cassert>

namespace millrace::loop {

void deadline_heap::set(due_entry& entry, instant when) {
  if (when == never) return clear(entry);
  entry.when = when;
  entry.order = ++sets_;
  const element added{when, &entry};
  if (entry.heap_index == due_entry::not_in_heap) {
    heap_.push(added);
  } else {
    assert(heap_[entry.heap_index].entry == &entry);
    heap_.replace(entry.heap_index, added);
  }
}

void deadline_heap::clear(due_entry& entry) noexcept {
  if (entry.heap_index == due_entry::not_in_heap) return;
  assert(heap_[entry.heap_index].entry == &entry);
  heap_.remove(entry.heap_index);
  entry.heap_index = due_entry::not_in_heap;
  entry.when = never;
}

due_entry* deadline_heap::take_due(instant now) noexcept {
  if (heap_.empty() || heap_.first().when > now) return nullptr;
  due_entry* const first = heap_.first().entry;
  clear(*first);
  return first;
}

}  // namespace millrace::loop
