#include "engine/queue_rows.hpp"

#include <algorithm>

namespace millrace::engine {

queue_rows::index queue_rows::assign(std::string_view name, queue_id queue, instant now) {
  if (name == other_queues_name) return none;
  auto row = std::ranges::find(rows_, name, &queue_row::name);
  if (row == rows_.end() || !shown(*row, now)) {
    // A series that ended is not continued, not even under its own name: it begins at 0 again.
    if (row == rows_.end()) row = std::ranges::find_if(rows_, [&](const queue_row& each) { return !shown(each, now); });
    if (row == rows_.end()) {
      if (rows_.size() >= rows_max_) return none;
      row = rows_.emplace(rows_.end());
    }
    *row = {};
    row->name = name;
  }
  row->queue = queue;
  return static_cast<index>(row - rows_.begin());
}

void queue_rows::retire(index row, const queue_counts& counts, instant now) {
  queue_row& retired = rows_[row];
  add_counts(retired.before, counts);
  retired.queue = {};
  retired.removed_at = now;
}

bool queue_rows::shown(const queue_row& row, instant now) const noexcept {
  if (row.queue) return true;
  return !row.name.empty() && now < after(row.removed_at, linger_);
}

void add_counts(queue_counts& to, const queue_counts& source) noexcept {
  each_counter(to, source, [](counter& sum, const counter& more) { sum.add(more.value()); });
}

}  // namespace millrace::engine
