#include "store/reader.hpp"

#include <algorithm>
#include <string>

#include "engine/job_body.hpp"
#include "store/schema.hpp"

namespace millrace::store {

namespace {

/// Of SQL: rows of table job are its arguments.
constexpr const char* take_function = "take_job";

}  // namespace

result<cursor_step> queue_cursor::next(kept_queue& into) {
  if (!rows_) {
    auto rows = data_.prepare(queue_query);
    if (!rows) return rows.error();
    rows_ = std::move(*rows);
  }
  const auto more = rows_->step();
  if (!more) return more.error();
  if (!*more) return cursor_step::end;
  if (const auto read = read_queue(*rows_, wall_offset_, into); !read) return read.error();
  return cursor_step::row;
}

result<cursor_step> job_cursor::next(const known_queues& queues, job_row& into) {
  if (at_buried_) return next_buried(queues, into);
  auto step = next_unburied(queues, into);
  if (!step || *step != cursor_step::end) return step;
  if (histories_.id() != INT64_MAX) return histories_.no_job();
  at_buried_ = true;
  rows_.reset();
  std::make_heap(buried_.begin(), buried_.end(), std::greater{});
  return cursor_step::skipped;
}

job_cursor::~job_cursor() {
  if (!is_defined_) return;
  // While a statement runs, a function cannot be changed.
  rows_.reset();
  histories_.end();
  static_cast<void>(data_.define_taker(take_function, nullptr));
}

result<> job_cursor::prepare_unburied() {
  with_bodies_ = fits_memory_;
  rows_.reset();
  if (!is_defined_) {
    if (const auto defined = data_.define_taker(take_function, this); !defined) return defined;
    is_defined_ = true;
  }
  auto rows = data_.prepare(job_query(take_function, part(), "WHERE id >= ?1 ORDER BY id"));
  if (!rows) return rows.error();
  rows_ = std::move(*rows);
  rows_->bind(1, next_id_);
  return {};
}

result<cursor_step> job_cursor::next_unburied(const known_queues& queues, job_row& into) {
  if (!is_prepared()) {
    if (const auto ready = prepare_unburied(); !ready) return ready.error();
  }
  if (!histories_.is_begun()) {
    if (const auto begun = histories_.begin(); !begun) return begun.error();
  }
  queues_ = &queues;
  into_ = &into;
  has_history_ = false;
  const auto more = rows_->step();
  if (!more) return more.error();
  if (!*more) return cursor_step::end;
  // Not within `on_row`, where the statement of the jobs runs.
  if (taken_ && has_history_) {
    if (const auto next = histories_.advance(); !next) return next.error();
  }
  return std::move(taken_);
}

void job_cursor::on_row(sqlite::row_values& values) noexcept { taken_ = take_unburied(values); }

result<cursor_step> job_cursor::take_unburied(sqlite::row_values& from) {
  job_numbers numbers;
  if (const auto done = numbers.read(from); !done) return done.error();
  // Only in a damaged tree: SQLite itself does not compare what it finds there.
  if (numbers.id() < next_id_) {
    return invalid("row " + std::to_string(numbers.id()) + " of table job: it comes out of order");
  }
  next_id_ = numbers.id() + 1;
  if (histories_.id() < numbers.id()) return histories_.no_job();
  has_history_ = histories_.id() == numbers.id();
  if (numbers.is_buried()) {
    buried_.emplace_back(numbers.bury_sequence(), numbers.id());
    return cursor_step::skipped;
  }
  if (const auto done = read(from, numbers, *queues_, *into_); !done) return done.error();
  into_->has_history = has_history_;
  if (!has_history_) {
    clear_history(into_->job);
  } else if (const auto done = histories_.read(into_->job); !done) {
    return done.error();
  }
  return cursor_step::row;
}

result<> job_cursor::prepare() {
  with_bodies_ = fits_memory_;
  auto rows = data_.prepare(job_query(part(), "WHERE id = ?1", schema_version));
  if (!rows) return rows.error();
  rows_ = std::move(*rows);
  return {};
}

result<cursor_step> job_cursor::next_buried(const known_queues& queues, job_row& into) {
  if (buried_.empty()) return cursor_step::end;
  if (!is_prepared()) {
    if (const auto ready = prepare(); !ready) return ready.error();
  }
  std::pop_heap(buried_.begin(), buried_.end(), std::greater{});
  const auto id = buried_.back().second;
  buried_.pop_back();
  rows_->reset();
  rows_->bind(1, id);
  const auto found = rows_->step();
  if (!found) return found.error();
  if (!*found) return invalid("row " + std::to_string(id) + " of table job: it is not found by its id");
  job_numbers numbers;
  if (const auto done = numbers.read(*rows_); !done) return done.error();
  if (const auto done = read(*rows_, numbers, queues, into); !done) return done.error();
  const auto has_history = histories_.read_of(id, into.job);
  if (!has_history) return has_history.error();
  into.has_history = *has_history;
  return cursor_step::row;
}

result<> job_cursor::read(sqlite::row_values& from, const job_numbers& numbers, const known_queues& queues,
                          job_row& into) {
  if (const auto done = read_job(from, numbers, part(), &queues, wall_offset_, into); !done) return done;
  const bool is_left = into.body_left;
  if (is_left) {
    if (const auto done = read_length(numbers.id(), into); !done) return done;
  }
  into.job.request.content = {};
  into.job.bytes_on_disk.reset();
  into.job.read_at_start = false;
  if (with_bodies_) {
    const auto cost = engine::memory_of_body(into.body_bytes);
    fits_memory_ = cost <= memory_left_;
    if (fits_memory_) memory_left_ -= cost;
    if (fits_memory_ && !is_left) {
      into.job.request.content = body{into.body};
      return {};
    }
    into.job.read_at_start = fits_memory_;
  }
  if (into.body_bytes != 0) into.job.bytes_on_disk = static_cast<std::uint32_t>(into.body_bytes);
  return {};
}

body_part job_cursor::part() const noexcept {
  if (!with_bodies_) return body_part::length;
  return large_ == large_bodies::leave ? body_part::bytes_unless_large : body_part::bytes;
}

/// The length of a body that was left on disk. A separate statement: a second look at the length of each body in the
/// statement of all rows would cost more than this does for the few that are large.
result<> job_cursor::read_length(std::int64_t id, job_row& into) {
  if (!length_of_) {
    auto query = data_.prepare(job_query(body_part::length, "WHERE id = ?1", schema_version));
    if (!query) return query.error();
    length_of_ = std::move(*query);
  }
  length_of_->bind(1, id);
  const auto found = length_of_->step();
  if (!found) return found.error();
  auto done = *found ? read_job(*length_of_, body_part::length, nullptr, wall_offset_, into)
                     : result<>{invalid("row " + std::to_string(id) + " of table job: it is not found by its id")};
  length_of_->reset();
  return done;
}

result<> each_position(sqlite::connection& data, const std::function<void(kept_position&&)>& on_position) {
  auto rows = data.prepare(position_query);
  if (!rows) return rows.error();
  for (;;) {
    const auto more = rows->step();
    if (!more) return more.error();
    if (!*more) return {};
    kept_position position;
    if (const auto read = read_position(*rows, position); !read) return read;
    on_position(std::move(position));
  }
}

result<id_marks> read_id_marks(sqlite::connection& data) {
  const auto job = data.number("SELECT coalesce(max(id), 0) FROM job");
  if (!job) return job.error();
  const auto group = data.number("SELECT coalesce(max(id), 0) FROM job_group");
  if (!group) return group.error();
  id_marks marks{.job = static_cast<std::uint64_t>(std::max<std::int64_t>(*job, 0)),
                 .group = static_cast<std::uint64_t>(std::max<std::int64_t>(*group, 0))};
  auto rows = data.prepare(mark_query);
  if (!rows) return rows.error();
  for (;;) {
    const auto more = rows->step();
    if (!more) return more.error();
    if (!*more) return marks;
    mark_row found;
    if (const auto read = read_mark(*rows, found); !read) return read.error();
    auto& mark = found.kind == mark_kind::ids ? marks.job : marks.group;
    mark = std::max(mark, found.value);
  }
}

}  // namespace millrace::store
