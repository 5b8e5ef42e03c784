#include "store/rows.hpp"

#include <array>
#include <utility>

#include "store/checksum.hpp"
#include "store/row_checks.hpp"
#include "store/schema.hpp"
#include "store/wall_clock.hpp"

namespace millrace::store {

namespace {

constexpr std::array<number_column, job_numbers::count> job_columns{{
    number_column{"id", 1, most_of_ids},
    number_column{"queue", 1, most_of_32_bits},
    number_column{"state", 0, 2},
    number_column{"urgency", 0, most_of_32_bits},
    number_column{"ttr", 0, most_number},
    number_column{"put_at", least_number, most_number},
    number_column{"delay", 0, most_number},
    number_column{"due", least_number, most_number},
    number_column{"burying", 0, most_of_ids},
    number_column{"checksum", least_number, most_number},
}};
constexpr int body_column = job_numbers::count;

std::string columns_of_query(body_part part, std::int64_t version) {
  std::string columns;
  for (const auto& column : job_columns) {
    const bool is_computed = version == 1 && &column == &job_columns.back();
    columns.append(is_computed ? "checksum_of(id, body)" : column.name).append(", ");
  }
  switch (part) {
    case body_part::bytes:
      return columns += "body";
    case body_part::length:
      return columns += "iif(typeof(body) = 'blob', length(body), -1)";
    case body_part::bytes_unless_large:
      break;
  }
  return columns += "iif(length(body) > " + std::to_string(large_body_bytes) + ", NULL, body)";
}

result<> read_body(sqlite::row_values& from, body_part part, job_row& into) {
  into.body = {};
  into.body_left = false;
  if (part == body_part::length) {
    std::int64_t length = 0;
    if (!from.read(body_column, length) || length < 0) return bad_row("job", from, "its body is not a blob");
    into.body_bytes = static_cast<std::uint64_t>(length);
    return {};
  }
  if (!from.read_blob(body_column, into.body)) {
    if (part == body_part::bytes) return bad_row("job", from, "its body is not a blob");
    into.body_left = true;
    return {};
  }
  into.body_bytes = into.body.size();
  return check_body(into, into.body);
}

}  // namespace

result<> read_queue(sqlite::row_values& from, duration wall_offset, kept_queue& into) {
  constexpr number_column number_range{"number", 1, most_of_32_bits};
  constexpr number_column length_range{"paused_for", 0, most_number};
  std::int64_t number = 0;
  std::int64_t until = 0;
  std::int64_t length = 0;
  std::string_view name;
  if (!read_in_range(from, 0, number_range, number)) return bad_number("queue", from, 0, number_range.name);
  if (!from.read_text(1, name) || name.empty()) return bad_row("queue", from, "it has no name");
  if (!from.read(2, until)) return bad_number("queue", from, 2, "paused_until");
  if (!read_in_range(from, 3, length_range, length)) return bad_number("queue", from, 3, length_range.name);
  into.number = in_32_bits(number);
  into.name = name;
  into.paused = until != 0;
  into.paused_until = into.paused ? from_disk(until, wall_offset) : instant{};
  into.paused_for = duration{length};
  return {};
}

std::string job_query(body_part part, std::string_view condition, std::int64_t version) {
  return "SELECT " + columns_of_query(part, version).append(" FROM job ").append(condition);
}

std::string job_query(std::string_view function, body_part part, std::string_view condition) {
  std::string sql = "SELECT ";
  sql.append(function).append("(").append(columns_of_query(part, schema_version)).append(")");
  return sql.append(" FROM job ").append(condition);
}

result<> job_numbers::read(sqlite::row_values& from) {
  std::size_t valid = from.read(0, value_);
  for (std::size_t n = 0; n < valid; ++n) {
    if (value_[n] < job_columns[n].least || value_[n] > job_columns[n].most) valid = n;
  }
  if (valid == count) return {};
  return bad_number("job", from, static_cast<int>(valid), job_columns[valid].name);
}

bool job_numbers::is_buried() const noexcept { return static_cast<state_on_disk>(value_[2]) == state_on_disk::buried; }

std::uint64_t job_numbers::bury_sequence() const noexcept { return static_cast<std::uint64_t>(value_[8]); }

void job_numbers::copy_to(job_row& into, duration wall_offset) const noexcept {
  into.queue = in_32_bits(value_[1]);
  into.bury_sequence = bury_sequence();
  into.checksum = value_[9];
  engine::kept_job& job = into.job;
  job.job = job_id{static_cast<std::uint64_t>(value_[0])};
  job.request.priority = in_32_bits(value_[3]);
  job.request.ttr = duration{value_[4]};
  job.put_at = from_disk(value_[5], wall_offset);
  job.request.delay = duration{value_[6]};
  const auto state = static_cast<state_on_disk>(value_[2]);
  job.state = state == state_on_disk::ready     ? engine::job_state::ready
              : state == state_on_disk::delayed ? engine::job_state::delayed
                                                : engine::job_state::buried;
  job.due = state == state_on_disk::delayed ? from_disk(value_[7], wall_offset) : instant{};
}

result<> read_job(sqlite::row_values& from, body_part part, const known_queues* queues, duration wall_offset,
                  job_row& into) {
  job_numbers numbers;
  if (auto read = numbers.read(from); !read) return read;
  return read_job(from, numbers, part, queues, wall_offset, into);
}

result<> read_job(sqlite::row_values& from, const job_numbers& numbers, body_part part, const known_queues* queues,
                  duration wall_offset, job_row& into) {
  numbers.copy_to(into, wall_offset);
  if (queues != nullptr && !queues->contains(into.queue)) {
    return bad_row("job", from, "its queue " + std::to_string(into.queue) + " is not there");
  }
  return read_body(from, part, into);
}

result<> check_body(const job_row& row, std::string_view bytes) {
  if (row.checksum == checksum_of(row.job.job, bytes)) return {};
  return bad_row("job", std::to_string(row.job.job.value()), "its body differs from its checksum");
}

result<> read_position(sqlite::row_values& from, kept_position& into) {
  constexpr std::array numbers{number_column{"place", 0, most_number},
                               number_column{"checksum", least_number, most_number},
                               number_column{"bodies", 0, most_number}};
  std::array<std::int64_t, numbers.size()> value{};
  std::string_view producer;
  std::string_view kind;
  if (!from.read_text(0, producer) || producer.empty()) return bad_row("source_position", from, "it has no producer");
  if (!from.read_text(1, kind) || kind.empty()) return bad_row("source_position", from, "it has no kind");
  for (std::size_t n = 0; n < value.size(); ++n) {
    const int column = static_cast<int>(n) + 2;
    if (read_in_range(from, column, numbers[n], value[n])) continue;
    return bad_number("source_position", from, column, numbers[n].name);
  }
  into.source = {std::string{producer}, std::string{kind}};
  into.at = {static_cast<std::uint64_t>(value[0]), static_cast<std::uint64_t>(value[1]),
             static_cast<std::uint64_t>(value[2])};
  return {};
}

result<> read_mark(sqlite::row_values& from, mark_row& into) {
  std::string_view name;
  std::int64_t value = 0;
  if (!from.read_text(0, name) || (name != "id" && name != "group")) {
    return bad_row("mark", from, "its name is unknown");
  }
  const auto kind = name == "id" ? mark_kind::ids : mark_kind::groups;
  const number_column value_range{"value", 0, kind == mark_kind::ids ? most_of_ids : most_number};
  if (!read_in_range(from, 1, value_range, value)) return bad_number("mark", from, 1, value_range.name);
  into = {.kind = kind, .value = static_cast<std::uint64_t>(value)};
  return {};
}

}  // namespace millrace::store
