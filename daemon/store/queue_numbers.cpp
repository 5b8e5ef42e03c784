#include "store/queue_numbers.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace millrace::store {

void queue_numbers::recovered(queue_number number, queue_id queue, std::string name, bool paused, std::uint64_t jobs) {
  last_ = std::max(last_, number);
  used_.insert(number);
  entry& known = known_[queue.value()];
  if (known.jobs == 0 && jobs > 0) ++in_use_;
  // Two rows may have one name.
  known = {.number = number, .jobs = known.jobs + jobs, .paused = known.paused || paused, .name = std::move(name)};
}

void queue_numbers::forgotten(queue_number number, batch& open) {
  last_ = std::max(last_, number);
  used_.insert(number);  // until the next start: a batch drops its queues last
  open.drop_queue(number);
}

queue_number queue_numbers::number_of(queue_id queue, batch& open) {
  auto known = known_.find(queue.value());
  if (known != known_.end()) {
    if (known->second.jobs > 0 || known->second.name == ask_(queue)) return known->second.number;
    open.drop_queue(known->second.number);
    used_.erase(known->second.number);
    known_.erase(known);
  }
  if (known_.size() > 2 * in_use_ + idle_most) drop_idle(open);
  const auto number = next_number();
  std::string name{ask_(queue)};
  open.add_queue(number, name);
  known_[queue.value()] = {.number = number, .jobs = 0, .paused = false, .name = std::move(name)};
  return number;
}

std::optional<queue_number> queue_numbers::paused_number(queue_id queue) const {
  const auto known = known_.find(queue.value());
  if (known == known_.end() || !known->second.paused) return std::nullopt;
  return known->second.number;
}

void queue_numbers::job_added(queue_id queue) {
  if (known_[queue.value()].jobs++ == 0) ++in_use_;
}

void queue_numbers::job_removed(queue_id queue) {
  entry& known = known_[queue.value()];
  if (known.jobs > 0 && --known.jobs == 0) --in_use_;
}

void queue_numbers::paused(queue_id queue, bool on) { known_[queue.value()].paused = on; }

void queue_numbers::drop_idle(batch& open) {
  boost::unordered::erase_if(known_, [this, &open](const auto& one) {
    const entry& known = one.second;
    if (known.jobs > 0 || known.paused) return false;
    open.drop_queue(known.number);
    used_.erase(known.number);
    return true;
  });
}

queue_number queue_numbers::next_number() {
  do {
    last_ = last_ == std::numeric_limits<queue_number>::max() ? 1 : last_ + 1;
  } while (!used_.insert(last_).second);
  return last_;
}

}  // namespace millrace::store
