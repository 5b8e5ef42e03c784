#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

#include "engine/change.hpp"
#include "store/history_rows.hpp"
#include "store/rows.hpp"
#include "store/sqlite.hpp"

namespace millrace::store {

/// The outcome of a step of a cursor.
enum class cursor_step {
  row,      ///< there is one
  skipped,  ///< none yet: a bounded piece of work was done
  end,
};

/// All queues of the file, in the order of their numbers. Belongs to its connection, and ends before it.
class queue_cursor {
 public:
  queue_cursor(sqlite::connection& data, duration wall_offset) noexcept : data_{data}, wall_offset_{wall_offset} {}
  /// After an error or the end, the cursor must not be used again.
  [[nodiscard]] result<cursor_step> next(kept_queue& into);

 private:
  sqlite::connection& data_;
  duration wall_offset_;
  std::optional<sqlite::statement> rows_;
};

enum class large_bodies { read, leave };

/// All jobs of the file with their histories, in order of id, then buried ones in the order in which they were
/// buried. Both tables are read in order of id side by side, so a job without a history costs one comparison. Of
/// buried jobs two numbers each are held in memory, of others nothing. A step does a bounded piece of work, except
/// that a body is read in one piece and that the buried jobs are put in order in one piece, which takes about 10 ms
/// for a million.
///
/// Bodies are read up to the first one with which they would take more than `body_bytes_max` of memory. That one and
/// those after it, empty ones excepted, are left on disk, and pages that hold nothing but such bodies are not read.
/// With `large_bodies::leave`, bodies of more than `large_body_bytes` are left too; those that fit into memory are
/// counted and marked (`kept_job::read_at_start`).
///
/// Belongs to its connection, and ends before it. A connection has one at a time.
class job_cursor final : private sqlite::connection::row_taker {
 public:
  job_cursor(sqlite::connection& data, duration wall_offset, std::uint64_t body_bytes_max = UINT64_MAX,
             large_bodies large = large_bodies::read) noexcept
      : data_{data},
        wall_offset_{wall_offset},
        large_{large},
        memory_left_{body_bytes_max},
        histories_{data, wall_offset} {}
  ~job_cursor();
  job_cursor(const job_cursor&) = delete;
  job_cursor& operator=(const job_cursor&) = delete;

  /// `queues`: those of the file; a job of another queue is an error. After an error or the end, the cursor must not be
  /// used again. With `row`, `into` has its body, or `bytes_on_disk`.
  [[nodiscard]] result<cursor_step> next(const known_queues& queues, job_row& into);

 private:
  using buried_job = std::pair<std::uint64_t, std::int64_t>;  ///< bury sequence, id

  [[nodiscard]] bool is_prepared() const noexcept { return rows_ && with_bodies_ == fits_memory_; }
  [[nodiscard]] result<> prepare();
  [[nodiscard]] result<> prepare_unburied();
  [[nodiscard]] result<cursor_step> next_unburied(const known_queues& queues, job_row& into);
  [[nodiscard]] result<cursor_step> next_buried(const known_queues& queues, job_row& into);
  void on_row(sqlite::row_values& values) noexcept override;
  [[nodiscard]] result<cursor_step> take_unburied(sqlite::row_values& from);
  [[nodiscard]] result<> read(sqlite::row_values& from, const job_numbers& numbers, const known_queues& queues,
                              job_row& into);
  [[nodiscard]] result<> read_length(std::int64_t id, job_row& into);
  [[nodiscard]] body_part part() const noexcept;

  sqlite::connection& data_;
  duration wall_offset_;
  large_bodies large_;
  std::uint64_t memory_left_;  ///< for bodies, in bytes
  bool fits_memory_{true};
  bool at_buried_{false};
  bool is_defined_{false};  ///< the function that takes rows
  history_cursor histories_;
  bool has_history_{false};                ///< the job at hand has the history at hand
  std::optional<sqlite::statement> rows_;  ///< none: to be prepared
  std::optional<sqlite::statement> length_of_;
  bool with_bodies_{true};               ///< what `rows_` gives
  std::int64_t next_id_{INT64_MIN};      ///< the lowest that has not been read
  const known_queues* queues_{nullptr};  ///< of the step at hand
  job_row* into_{nullptr};               ///< of the step at hand
  result<cursor_step> taken_{cursor_step::end};
  std::vector<buried_job> buried_;  ///< once `at_buried_`, a heap with the earliest on top
};

/// The positions of all producers. Those that are no longer in the settings stay: a producer that is removed for a day
/// must not put its lines a second time. There are as many as there ever were names of producers.
[[nodiscard]] result<> each_position(sqlite::connection& data, const std::function<void(kept_position&&)>& on_position);

/// The highest ids that may have been given out, of jobs and of groups.
struct id_marks {
  std::uint64_t job{0};
  std::uint64_t group{0};
};
/// Refused: an unknown mark.
[[nodiscard]] result<id_marks> read_id_marks(sqlite::connection& data);

}  // namespace millrace::store
