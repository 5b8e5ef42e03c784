#include "engine/cursors.hpp"

#include <algorithm>
#include <cassert>

namespace millrace::engine {

slot cursors::pin(job_table& jobs, slot at) noexcept {
  if (at != no_slot) jobs[at].pinned = true;
  return at;
}

slot cursors::after(const job_table& jobs, const cursor& walk, slot at) noexcept {
  return at == walk.last ? no_slot : jobs[at].later;
}

cursor& cursors::open(job_table& jobs, queue_id queue, job_state state, slot first, slot last, cursor_owner owner) {
  const bool owned = owner == cursor_owner::caller;
  if (!owned) forget_least_used();
  cursor& walk = all_.emplace_back();
  walk.id = cursor_id{++last_id_};
  walk.queue = queue;
  walk.state = state;
  walk.owned = owned;
  walk.used = ++uses_;
  walk.page_begin = walk.at = walk.next = pin(jobs, first);
  walk.last = pin(jobs, last);
  return walk;
}

void cursors::forget_least_used() {
  const auto unowned =
      static_cast<std::size_t>(std::ranges::count_if(all_, [](const cursor& each) { return !each.owned; }));
  if (unowned < most_ || unowned == 0) return;
  auto least = all_.end();
  for (auto each = all_.begin(); each != all_.end(); ++each) {
    if (!each->owned && (least == all_.end() || each->used < least->used)) least = each;
  }
  all_.erase(least);
}

void cursors::close(cursor_id id) noexcept {
  std::erase_if(all_, [id](const cursor& each) { return each.id == id; });
}

cursor* cursors::find(cursor_id id) noexcept {
  const auto found = std::ranges::find(all_, id, &cursor::id);
  if (found == all_.end()) return nullptr;
  found->used = ++uses_;
  return &*found;
}

bool cursors::contains(cursor_id id) const noexcept { return std::ranges::find(all_, id, &cursor::id) != all_.end(); }

bool cursors::begin_page(job_table& jobs, cursor& walk, std::uint32_t page) noexcept {
  if (page == walk.page + 1) {
    walk.page = page;
    walk.repeats = false;
    walk.page_begin = walk.at = pin(jobs, walk.next);
    return true;
  }
  if (page != walk.page || page == 0) return false;
  walk.repeats = true;
  walk.at = pin(jobs, walk.page_begin);
  return true;
}

slot cursors::present(const cursor& walk) noexcept { return walk.repeats && walk.at == walk.next ? no_slot : walk.at; }

void cursors::pass(job_table& jobs, cursor& walk) noexcept {
  assert(present(walk) != no_slot);
  walk.at = pin(jobs, after(jobs, walk, walk.at));
  if (!walk.repeats) walk.next = walk.at;
}

void cursors::leave(job_table& jobs, slot at) noexcept {
  jobs[at].pinned = false;
  for (cursor& walk : all_) {
    const bool is_last = walk.last == at;
    const slot following = after(jobs, walk, at);
    for (slot* const position : {&walk.page_begin, &walk.at, &walk.next}) {
      if (*position == at) *position = pin(jobs, following);
    }
    // If it was the only job left of the walk, the other positions are behind the end now, and `last` has no meaning.
    if (is_last) walk.last = pin(jobs, jobs[at].earlier);
  }
}

}  // namespace millrace::engine
