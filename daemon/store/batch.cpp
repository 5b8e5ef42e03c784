#include "store/batch.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace millrace::store {

namespace {

/// Puts that were cancelled keep their entries until there are that many, and more of them than others.
constexpr std::size_t cancelled_kept = 1'024;

bool comes_before(const batch::new_job& one, job_id id) noexcept { return one.job < id; }

std::uint64_t text_bytes_of(const job_condition& condition) noexcept {
  const auto error = condition.error_text.size();
  return condition.details ? error + sizeof(engine::job_details) + condition.details->origin.size() : error;
}

}  // namespace

void batch::put(engine::job_put&& job, queue_number queue, std::uint64_t bury_sequence) {
  new_job made{.job = job.job,
               .ttr = job.request.ttr,
               .put_at = job.put_at,
               .condition = {.queue = queue,
                             .state = job.state,
                             .priority = job.request.priority,
                             .delay = job.request.delay,
                             .due = job.due,
                             .bury_sequence = bury_sequence,
                             .tally = job.tally,
                             .error_text = std::move(job.error_text),
                             .details = std::move(job.details)},
               .content = std::move(job.request.content)};
  content_bytes_ += made.content.size() + text_bytes_of(made.condition);
  // Ids rise, so it goes to the end; the search is for callers that add them in another order.
  auto position = puts_.end();
  if (!puts_.empty() && puts_.back().job >= job.job) {
    position = std::lower_bound(puts_.begin(), puts_.end(), job.job, comes_before);
    assert(position->job != job.job);
  }
  puts_.insert(position, std::move(made));
}

void batch::move(engine::job_moved&& moved, queue_number queue, std::uint64_t bury_sequence, bool had_history) {
  job_condition now{.queue = queue,
                    .state = moved.state,
                    .priority = moved.priority,
                    .delay = moved.delay,
                    .due = moved.due,
                    .bury_sequence = bury_sequence,
                    .handed_out = moved.handed_out,
                    .tally = moved.tally,
                    .error_text = std::move(moved.error_text),
                    .details = std::move(moved.details)};
  if (new_job* const put = find_put(moved.job)) {
    replace(put->condition, std::move(now));
    return;
  }
  const bool drops_history = had_history && !now.has_history();
  const auto [entry, is_new] = index_of_move_.try_emplace(moved.job.value(), moves_.size());
  if (is_new) moves_.push_back({moved.job, {}});
  moved_job& known = moves_[entry->second];
  replace(known.condition, std::move(now));
  // A move before may have dropped it.
  known.drops_history = (known.drops_history && !known.condition.has_history()) || drops_history;
}

void batch::remove(job_id job, bool had_history) {
  if (new_job* const put = find_put(job)) {
    content_bytes_ -= put->content.size() + text_bytes_of(put->condition);
    put->content = body{};
    put->condition.error_text = {};
    put->condition.details.reset();
    put->gone = true;
    if (++cancelled_ > cancelled_kept && cancelled_ > puts_.size() / 2) drop_cancelled();
    return;
  }
  const bool dropped_history = forget_move(job);
  removals_.push_back(job);
  if (had_history || dropped_history) history_removals_.push_back(job);
}

void batch::set_pause(queue_number queue, instant until, duration length) {
  const auto same = [queue](const pause& one) { return one.queue == queue; };
  const auto known = std::find_if(pauses_.begin(), pauses_.end(), same);
  if (known == pauses_.end()) {
    pauses_.push_back({queue, until, length});
  } else {
    *known = {queue, until, length};
  }
}

void batch::add_queue(queue_number number, std::string name) { new_queues_.push_back({number, std::move(name)}); }

void batch::drop_queue(queue_number number) { dropped_queues_.push_back(number); }

void batch::set_position(const engine::source_name& source, const engine::source_place& at) {
  const auto [known, is_new] = index_of_position_.try_emplace(&source, positions_.size());
  if (is_new) {
    positions_.push_back({&source, at});
  } else {
    positions_[known->second].at = at;
  }
}

void batch::mark_ids(std::uint64_t up_to) noexcept { id_mark_ = std::max(id_mark_, up_to); }

void batch::clear() {
  new_queues_.clear();
  puts_.clear();
  moves_.clear();
  removals_.clear();
  history_removals_.clear();
  pauses_.clear();
  dropped_queues_.clear();
  positions_.clear();
  index_of_move_.clear();
  index_of_position_.clear();
  id_mark_ = 0;
  cancelled_ = 0;
  content_bytes_ = 0;
  groups.clear();
}

void batch::sort() {
  drop_cancelled();
  std::sort(moves_.begin(), moves_.end(), [](const auto& one, const auto& other) { return one.job < other.job; });
  index_of_move_.clear();
  std::sort(removals_.begin(), removals_.end());
  std::sort(history_removals_.begin(), history_removals_.end());
}

bool batch::empty() const noexcept {
  return jobs() == 0 && pauses_.empty() && id_mark_ == 0 && new_queues_.empty() && dropped_queues_.empty() &&
         positions_.empty() && groups.empty();
}

std::uint64_t batch::bytes() const noexcept {
  return content_bytes_ + puts_.size() * sizeof(new_job) + moves_.size() * sizeof(moved_job) +
         (removals_.size() + history_removals_.size()) * sizeof(job_id) + groups.bytes();
}

batch::new_job* batch::find_put(job_id job) {
  if (puts_.empty() || job < puts_.front().job || puts_.back().job < job) return nullptr;
  const auto found = std::lower_bound(puts_.begin(), puts_.end(), job, comes_before);
  return found->job == job ? &*found : nullptr;
}

bool batch::forget_move(job_id job) {
  if (moves_.empty()) return false;
  const auto known = index_of_move_.find(job.value());
  if (known == index_of_move_.end()) return false;
  const auto index = known->second;
  const bool drops_history = moves_[index].drops_history;
  content_bytes_ -= text_bytes_of(moves_[index].condition);
  index_of_move_.erase(known);
  if (index + 1 != moves_.size()) {
    moves_[index] = std::move(moves_.back());
    index_of_move_[moves_[index].job.value()] = index;
  }
  moves_.pop_back();
  return drops_history;
}

void batch::replace(job_condition& old, job_condition&& now) noexcept {
  content_bytes_ += text_bytes_of(now);
  content_bytes_ -= text_bytes_of(old);
  old = std::move(now);
}

void batch::drop_cancelled() {
  if (cancelled_ == 0) return;
  std::erase_if(puts_, [](const new_job& one) { return one.gone; });
  cancelled_ = 0;
}

}  // namespace millrace::store
