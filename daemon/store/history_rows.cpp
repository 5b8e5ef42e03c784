#include "store/history_rows.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "store/row_checks.hpp"
#include "store/schema.hpp"
#include "store/wall_clock.hpp"

namespace millrace::store {

namespace {

/// The first version of the tables that has `job_history`.
constexpr std::int64_t first_with_table = 4;

constexpr std::array number_columns{
    number_column{"id", 1, most_of_ids},
    number_column{"reserves", 0, most_of_32_bits},
    number_column{"timeouts", 0, most_of_32_bits},
    number_column{"releases", 0, most_of_32_bits},
    number_column{"buries", 0, most_of_32_bits},
    number_column{"kicks", 0, most_of_32_bits},
    number_column{"failures", 0, most_of_32_bits, 3},
    number_column{"interruptions", 0, most_of_32_bits, 4},
    number_column{"laters", 0, most_of_32_bits, 4},
    number_column{"handed_out", 0, 1, 4},
    number_column{"first_failure", least_number, most_number, 4},
    number_column{"last_failure", least_number, most_number, 4},
    number_column{"expires_at", least_number, most_number, 4},
    number_column{"group_id", 0, most_number, 4},
    number_column{"group_place", 0, most_of_32_bits, 4},
};
constexpr int reason_column = number_columns.size();
constexpr int origin_column = reason_column + 1;
constexpr int error_column = origin_column + 1;

instant optional_from_disk(std::int64_t when, duration wall_offset) noexcept {
  return when == 0 ? never : from_disk(when, wall_offset);
}

bool read_reason(std::string_view text, std::optional<engine::reason>& into) noexcept {
  into.reset();
  if (text.empty()) return true;
  for (std::size_t n = 0; n < engine::reason_count; ++n) {
    const auto value = static_cast<engine::reason>(n);
    if (engine::name_of(value) != text) continue;
    into = value;
    return true;
  }
  return false;
}

}  // namespace

std::string_view history_table(std::int64_t version) noexcept {
  return version < first_with_table ? "job" : "job_history";
}

std::string history_query(std::string_view condition, std::int64_t version) {
  std::string sql = "SELECT ";
  for (const auto& column : number_columns) {
    if (version < column.since_version) sql += "0 AS ";
    sql.append(column.name).append(", ");
  }
  sql += version < first_with_table ? "'' AS reason, '' AS origin, error" : "reason, origin, error";
  return sql.append(" FROM ").append(history_table(version)).append(" ").append(condition);
}

result<> read_history(sqlite::row_values& from, std::int64_t version, duration wall_offset, engine::kept_job& into) {
  const auto table = history_table(version);
  std::array<std::int64_t, number_columns.size()> value{};
  std::size_t valid = from.read(0, value);
  for (std::size_t n = 0; n < valid; ++n) {
    if (value[n] < number_columns[n].least || value[n] > number_columns[n].most) valid = n;
  }
  if (valid != value.size()) return bad_number(table, from, static_cast<int>(valid), number_columns[valid].name);
  engine::job_details details;
  std::string_view text;
  if (!from.read_text(reason_column, text)) return bad_row(table, from, "its reason is not a text");
  if (!read_reason(text, details.cause)) return bad_row(table, from, "its reason is unknown");
  if (!from.read_text(origin_column, text)) return bad_row(table, from, "its origin is not a text");
  details.origin = text;
  if (!from.read_text(error_column, text)) return bad_row(table, from, "its error is not a text");
  into.error_text = text;
  into.tally = {.reserves = in_32_bits(value[1]),
                .timeouts = in_32_bits(value[2]),
                .releases = in_32_bits(value[3]),
                .buries = in_32_bits(value[4]),
                .kicks = in_32_bits(value[5]),
                .failures = in_32_bits(value[6]),
                .interruptions = in_32_bits(value[7]),
                .laters = in_32_bits(value[8])};
  into.handed_out = value[9] != 0;
  details.first_failure = optional_from_disk(value[10], wall_offset);
  details.last_failure = optional_from_disk(value[11], wall_offset);
  details.expires_at = optional_from_disk(value[12], wall_offset);
  details.group = engine::group_id{static_cast<std::uint64_t>(value[13])};
  details.group_place = in_32_bits(value[14]);
  if (details == engine::job_details{}) {
    into.details.reset();
  } else {
    into.details = std::make_shared<const engine::job_details>(std::move(details));
  }
  return {};
}

void clear_history(engine::kept_job& into) {
  into.tally = {};
  into.error_text.clear();
  into.handed_out = false;
  into.details.reset();
}

std::int64_t optional_to_disk(instant when, duration wall_offset) noexcept {
  if (when == never) return 0;
  const auto time = to_disk(when, wall_offset);
  return time == 0 ? 1 : time;
}

result<> history_cursor::begin() {
  begun_ = true;
  auto rows = data_.prepare(history_query("ORDER BY id", schema_version));
  if (!rows) return rows.error();
  rows_ = std::move(*rows);
  return advance();
}

result<> history_cursor::advance() {
  const auto more = rows_->step();
  if (!more) return more.error();
  if (!*more) {
    rows_.reset();
    id_ = INT64_MAX;
    return {};
  }
  // The key of a table of rows is always a number.
  static_cast<void>(rows_->read(0, id_));
  // No job has that id, which stands for the end.
  if (id_ == INT64_MAX) return no_job();
  return {};
}

result<> history_cursor::read(engine::kept_job& into) {
  return read_history(*rows_, schema_version, wall_offset_, into);
}

error history_cursor::no_job() const {
  return bad_row(history_table(schema_version), std::to_string(id_), "its job is not there");
}

result<bool> history_cursor::read_of(std::int64_t id, engine::kept_job& into) {
  if (!one_) {
    auto query = data_.prepare(history_query("WHERE id = ?1", schema_version));
    if (!query) return query.error();
    one_ = std::move(*query);
  }
  one_->bind(1, id);
  const auto found = one_->step();
  if (!found) return found.error();
  const auto done = *found ? read_history(*one_, schema_version, wall_offset_, into) : result<>{};
  if (!*found) clear_history(into);
  one_->reset();
  if (!done) return done.error();
  return *found;
}

}  // namespace millrace::store
