#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

#include "engine/change.hpp"
#include "store/sqlite.hpp"

/// Rows of table `job_history` as values; see rows.hpp. Tables before version 4 have these columns in table `job`, or
/// not at all.
namespace millrace::store {

[[nodiscard]] std::string_view history_table(std::int64_t version) noexcept;
/// The statement that gives histories of jobs. `condition` follows the name of the table.
[[nodiscard]] std::string history_query(std::string_view condition, std::int64_t version);
/// Counts, error and details go into `into`. `version` is that of the tables.
[[nodiscard]] result<> read_history(sqlite::row_values& from, std::int64_t version, duration wall_offset,
                                    engine::kept_job& into);
/// A job without a row.
void clear_history(engine::kept_job& into);

/// Times that most jobs do not have stand as 0 on disk if they are `never`.
[[nodiscard]] std::int64_t optional_to_disk(instant when, duration wall_offset) noexcept;

/// The histories of all jobs, in order of id. Belongs to its connection, and ends before it.
class history_cursor {
 public:
  history_cursor(sqlite::connection& data, duration wall_offset) noexcept : data_{data}, wall_offset_{wall_offset} {}

  /// Goes to the first row. Requires: not called before.
  [[nodiscard]] result<> begin();
  [[nodiscard]] bool is_begun() const noexcept { return begun_; }
  /// Goes to the next row.
  [[nodiscard]] result<> advance();
  /// Ends the statements, wherever they stand.
  void end() noexcept {
    rows_.reset();
    one_.reset();
    id_ = INT64_MAX;
  }
  /// The id of the row at hand; INT64_MAX: at the end.
  [[nodiscard]] std::int64_t id() const noexcept { return id_; }
  /// The row at hand.
  [[nodiscard]] result<> read(engine::kept_job& into);
  /// The error of the row at hand, whose job is not there.
  [[nodiscard]] error no_job() const;
  /// The history of one job; false: it has none.
  [[nodiscard]] result<bool> read_of(std::int64_t id, engine::kept_job& into);

 private:
  sqlite::connection& data_;
  duration wall_offset_;
  bool begun_{false};
  std::int64_t id_{INT64_MAX};
  std::optional<sqlite::statement> rows_;
  std::optional<sqlite::statement> one_;
};

}  // namespace millrace::store
