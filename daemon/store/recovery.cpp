#include "store/recovery.hpp"

#include <utility>

namespace millrace::store {

recovery::recovery(sqlite::connection& data, open_batch& open, duration wall_offset, instant now, recovery_sink sink,
                   std::uint64_t body_bytes_max)
    : data_{data},
      open_{open},
      now_{now},
      sink_{std::move(sink)},
      queue_rows_{data, wall_offset},
      group_rows_{data, wall_offset},
      job_rows_{data, wall_offset, body_bytes_max, large_bodies::leave} {}

result<std::optional<std::uint64_t>> recovery::advance(std::size_t rows_max, std::size_t bytes_max) {
  std::size_t bytes = 0;
  for (std::size_t rows = 0; stage_ != stage::done && rows < rows_max && bytes < bytes_max; ++rows) {
    const auto step = advance(bytes);
    if (!step) return step.error();
    if (*step == cursor_step::end) stage_ = static_cast<stage>(static_cast<int>(stage_) + 1);
    if (*step == cursor_step::end && stage_ == stage::pauses) next_queue_ = queues_.begin();
  }
  if (stage_ != stage::done) return std::optional<std::uint64_t>{};
  return std::optional{marks_.job};
}

result<cursor_step> recovery::advance(std::size_t& bytes) {
  switch (stage_) {
    case stage::queues:
      return take_queue();
    case stage::groups:
      return take_group(bytes);
    case stage::jobs:
      return take_job(bytes);
    case stage::pauses:
      return finish_queue();
    case stage::actions:
      return take_actions();
    case stage::done:
      break;
  }
  return cursor_step::end;
}

result<cursor_step> recovery::take_queue() {
  kept_queue row;
  auto step = queue_rows_.next(row);
  if (!step || *step != cursor_step::row) return step;
  row.paused = row.paused && row.paused_until > now_;
  const auto number = row.number;
  numbers_.insert(number);
  queues_[number].row = std::move(row);
  return step;
}

result<cursor_step> recovery::take_group(std::size_t& bytes) {
  const auto step = group_rows_.next(group_);
  if (!step) return step.error();
  bytes += group_rows_.text_bytes();
  if (*step == group_cursor::step::member) return cursor_step::skipped;
  if (*step == group_cursor::step::group) {
    if (sink_.on_group) sink_.on_group(std::exchange(group_, {}));
    return cursor_step::row;
  }
  const auto marks = read_id_marks(data_);
  if (!marks) return marks.error();
  marks_ = *marks;
  if (sink_.on_last_group) sink_.on_last_group(engine::group_id{marks_.group});
  return cursor_step::end;
}

result<cursor_step> recovery::take_actions() {
  const auto read = each_action(data_, [this](action_row&& one) {
    if (sink_.on_action) sink_.on_action(one.number, std::move(one.description));
  });
  if (!read) return read.error();
  return cursor_step::end;
}

result<cursor_step> recovery::take_job(std::size_t& bytes) {
  auto step = job_rows_.next(numbers_, row_);
  if (!step || *step != cursor_step::row) return step;
  bytes += row_.job.request.content.size();
  if (queue_of_job_ == nullptr || queue_of_job_->row.number != row_.queue) {
    queue_of_job_ = &queues_.find(row_.queue)->second;
  }
  row_.job.queue = engine_queue(*queue_of_job_);
  ++queue_of_job_->jobs;
  open_.recovered_bury_sequence(row_.bury_sequence);
  if (row_.has_history) open_.recovered_history(row_.job.job);
  sink_.on_job(std::move(row_.job));
  return step;
}

cursor_step recovery::finish_queue() {
  if (next_queue_ == queues_.end()) return cursor_step::end;
  auto& [number, known] = *next_queue_++;
  if (known.row.paused) sink_.on_pause({engine_queue(known), known.row.paused_until, known.row.paused_for});
  if (known.queue) {
    open_.queues.recovered(number, known.queue, std::move(known.row.name), known.row.paused, known.jobs);
  } else {
    open_.queues.forgotten(number, open_.writable());
  }
  return cursor_step::row;
}

/// The queue of the engine, which is created with its first job or its pause.
queue_id recovery::engine_queue(known_queue& known) {
  if (!known.queue) known.queue = sink_.queue_of(known.row.name);
  return known.queue;
}

}  // namespace millrace::store
