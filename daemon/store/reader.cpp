#include "store/reader.hpp"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/job_body.hpp"
#include "store/checksum.hpp"
#include "store/schema.hpp"
#include "store/wall_clock.hpp"

namespace millrace::store {

namespace {

constexpr std::string_view job_columns =
    "SELECT id, queue, state, urgency, ttr, put_at, delay, due, burying, reserves, timeouts, releases, buries, kicks, "
    "error, checksum, ";
constexpr std::string_view body_itself = "body FROM job";
// Type and length stand at the head of a row: SQLite does not follow a long body to its pages for them.
constexpr std::string_view size_of_body = "iif(typeof(body) = 'blob', length(body), -1) FROM job";
constexpr int checksum_column = 15;
constexpr int body_column = 16;

/// Numbers of one row. What does not fit is noted and found at the end, so that reading goes on without a check a column.
struct columns {
  sqlite::statement& from;
  int next{0};
  bool fit{true};

  std::int64_t at_least_zero() {
    const auto value = from.number(next++);
    fit = fit && value >= 0;
    return value;
  }
  std::uint32_t small() {
    const auto value = from.number(next++);
    fit = fit && value >= 0 && value <= std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(value);
  }
  std::int64_t any() { return from.number(next++); }
};

error bad_row(std::string_view table, std::int64_t key) {
  return invalid("row " + std::to_string(key) + " of table " + std::string{table} + " does not make sense");
}

}  // namespace

struct reader::row {
  engine::kept_job job;
  queue_number queue{0};
  std::uint64_t burying{0};
};

/// Jobs on their way to whoever takes them.
struct reader::stream {
  const take_job& take;
  std::uint64_t room;  ///< for bodies, in bytes
  bool has_room{true};
  std::int64_t last{std::numeric_limits<std::int64_t>::min()};   ///< id that was read
  std::vector<std::pair<std::uint64_t, std::int64_t>> buried{};  ///< number of the burying, id
  row it{};
};

result<> reader::each_queue(const std::function<void(kept_queue&&)>& take) {
  auto rows = in_.prepare("SELECT number, name, paused_until, paused_for FROM queue");
  if (!rows) return rows.error();
  for (;;) {
    const auto more = rows->step();
    if (!more) return more.error();
    if (!*more) return {};
    columns at{*rows};
    kept_queue made;
    made.number = at.small();
    made.name = rows->text(at.next++);
    const auto until = at.any();
    made.paused = until != 0;
    if (made.paused) made.paused_until = from_disk(until, wall_offset_);
    made.paused_for = duration{at.at_least_zero()};
    if (!at.fit || made.name.empty()) return bad_row("queue", rows->number(0));
    take(std::move(made));
  }
}

result<> reader::each_job(const take_job& take, std::uint64_t body_bytes_max) {
  stream all{.take = take, .room = body_bytes_max};
  for (bool at_end = false; !at_end;) {
    const auto read = each_unburied(all);
    if (!read) return read.error();
    at_end = *read;
  }
  std::sort(all.buried.begin(), all.buried.end());
  return each_buried(all);
}

result<sqlite::statement> reader::job_rows(bool with_bodies, std::string_view which) {
  return in_.prepare(std::string{job_columns}.append(with_bodies ? body_itself : size_of_body).append(which));
}

result<bool> reader::each_unburied(stream& all) {
  const bool with_bodies = all.has_room;
  auto rows = job_rows(with_bodies, " WHERE id > ?1 ORDER BY id");
  if (!rows) return rows.error();
  rows->bind(1, all.last);
  while (with_bodies == all.has_room) {
    const auto more = rows->step();
    if (!more) return more.error();
    if (!*more) return true;
    all.last = rows->number(0);
    if (rows->number(2) == static_cast<std::int64_t>(state_on_disk::buried)) {
      all.buried.emplace_back(static_cast<std::uint64_t>(rows->number(8)), all.last);
    } else if (const auto given = give(*rows, with_bodies, all); !given) {
      return given.error();
    }
  }
  return false;
}

result<> reader::each_buried(stream& all) {
  sqlite::statement one;
  bool with_bodies = !all.has_room;
  for (const auto& [burying, id] : all.buried) {
    if (with_bodies != all.has_room) {
      auto rows = job_rows(all.has_room, " WHERE id = ?1");
      if (!rows) return rows.error();
      one = std::move(*rows);
      with_bodies = all.has_room;
    }
    one.bind(1, id);
    const auto found = one.step();
    if (!found) return found.error();
    if (!*found) return bad_row("job", id);
    if (const auto given = give(one, with_bodies, all); !given) return given;
    one.reset();
  }
  return {};
}

result<> reader::give(sqlite::statement& from, bool with_bodies, stream& all) const {
  if (const auto read = read_job(from, all.it); !read) return read;
  engine::kept_job& job = all.it.job;
  job.what.content = {};
  job.bytes_on_disk.reset();
  std::int64_t left_on_disk = 0;
  if (with_bodies) {
    const auto bytes = from.blob(body_column);
    if (from.number(checksum_column) != checksum_of(job.job, bytes)) return damaged_body(job.job);
    const auto cost = engine::memory_of_body(bytes.size());
    all.has_room = cost <= all.room;
    if (all.has_room) {
      all.room -= cost;
      job.what.content = body{bytes};
    } else {
      left_on_disk = static_cast<std::int64_t>(bytes.size());
    }
  } else {
    left_on_disk = from.number(body_column);
    if (left_on_disk < 0) return bad_row("job", from.number(0));
  }
  if (left_on_disk != 0) job.bytes_on_disk = static_cast<std::uint32_t>(left_on_disk);
  return all.take(std::move(job), all.it.queue, all.it.burying);
}

result<> reader::read_job(sqlite::statement& from, row& into) const {
  columns at{from};
  engine::kept_job& job = into.job;
  job.job = job_id{static_cast<std::uint64_t>(at.at_least_zero())};
  into.queue = at.small();
  const auto state = at.any();
  job.what.urgency = at.small();
  job.what.ttr = duration{at.at_least_zero()};
  job.put_at = from_disk(at.any(), wall_offset_);
  job.what.delay = duration{at.at_least_zero()};
  const auto due = at.any();
  into.burying = static_cast<std::uint64_t>(at.at_least_zero());
  job.tally = {.reserves = at.small(),
               .timeouts = at.small(),
               .releases = at.small(),
               .buries = at.small(),
               .kicks = at.small()};
  job.error_text = from.text(at.next++);
  job.due = instant{};
  switch (static_cast<state_on_disk>(state)) {
    case state_on_disk::ready:
      job.state = engine::job_state::ready;
      break;
    case state_on_disk::delayed:
      job.state = engine::job_state::delayed;
      job.due = from_disk(due, wall_offset_);
      break;
    case state_on_disk::buried:
      job.state = engine::job_state::buried;
      break;
    default:
      at.fit = false;
  }
  if (!at.fit || !job.job) return bad_row("job", from.number(0));
  return {};
}

result<std::uint64_t> reader::id_mark() {
  const auto mark = in_.number("SELECT coalesce((SELECT value FROM mark WHERE name = 'id'), 0)");
  if (!mark) return mark.error();
  const auto highest = in_.number("SELECT coalesce(max(id), 0) FROM job");
  if (!highest) return highest.error();
  return static_cast<std::uint64_t>(std::max({*mark, *highest, std::int64_t{0}}));
}

}  // namespace millrace::store
