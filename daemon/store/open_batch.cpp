#include "store/open_batch.hpp"

#include <optional>
#include <utility>
#include <variant>

namespace millrace::store {

void open_batch::add(engine::change_set& changes) {
  for (auto& one : changes) {
    std::visit([this](auto& made) { add(made); }, one);
  }
  changes.clear();
}

std::unique_ptr<batch> open_batch::exchange(std::unique_ptr<batch> next) {
  next->id = open_->id + 1;
  return std::exchange(open_, std::move(next));
}

void open_batch::skip() {
  open_->clear();
  ++open_->id;
}

void open_batch::add(engine::job_put& put) {
  const auto number = queues.number_of(put.queue, *open_);
  queues.job_added(put.queue);
  if (put.details || !put.error_text.empty() || put.tally != engine::job_tally{}) {
    with_history_.insert(put.job);
  }
  open_->put(std::move(put), number, bury_sequence_of(put.state));
}

void open_batch::add(engine::job_moved& moved) {
  const auto number = queues.number_of(moved.queue, *open_);
  if (moved.from) {
    queues.job_added(moved.queue);
    queues.job_removed(moved.from);
  }
  const bool had_history = with_history_.erase(moved.job);
  if (moved.details || moved.handed_out || !moved.error_text.empty() || moved.tally != engine::job_tally{}) {
    with_history_.insert(moved.job);
  }
  open_->move(std::move(moved), number, bury_sequence_of(moved.state), had_history);
}

void open_batch::add(engine::job_gone& gone) {
  queues.job_removed(gone.queue);
  open_->remove(gone.job, with_history_.erase(gone.job));
}

void open_batch::add(engine::queue_paused& paused) {
  const bool begins = paused.until != engine::no_pause;
  const auto number =
      begins ? std::optional{queues.number_of(paused.queue, *open_)} : queues.paused_number(paused.queue);
  if (!number) return;
  queues.paused(paused.queue, begins);
  open_->set_pause(*number, paused.until, paused.length);
}

std::uint64_t open_batch::bury_sequence_of(engine::job_state state) noexcept {
  if (state != engine::job_state::buried) return 0;
  // What a reader accepts; jobs with equal numbers come back in order of id.
  if (last_bury_sequence_ < job_id_max.value()) ++last_bury_sequence_;
  return last_bury_sequence_;
}

}  // namespace millrace::store
