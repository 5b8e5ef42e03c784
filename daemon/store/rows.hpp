#pragma once

#include <array>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <millrace/base/result.hpp>
#include <millrace/base/time.hpp>

#include "engine/change.hpp"
#include "store/batch.hpp"
#include "store/sqlite.hpp"
#include "store/store.hpp"

/// Rows of the data file as values. These functions alone decide whether a row is valid, that is, whether a writer of
/// millrace could have written it: recovery, dump, fsck and reads of single bodies all use them, so none of them
/// accepts what another one refuses. The error of an invalid row names the row and the column (`errc::invalid`).
namespace millrace::store {

/// A queue as it stands in the file.
struct kept_queue {
  queue_number number{0};
  std::string name;
  bool paused{false};
  instant paused_until{};  ///< `never`: until somebody ends it
  duration paused_for{0};
};

struct job_row {
  engine::kept_job job;  ///< its queue, its body and its history (history_rows.hpp) are left as they were
  queue_number queue{0};
  std::uint64_t bury_sequence{0};
  std::string_view body;  ///< verified against its checksum; valid until the statement's next step
  std::uint64_t body_bytes{0};
  std::int64_t checksum{0};  ///< of the body, as the row says
  bool has_history{false};   ///< it has a row in table `job_history`
  bool body_left{false};     ///< the body was not read: see `body_part::bytes_unless_large`
};

enum class mark_kind { ids, groups };
struct mark_row {
  mark_kind kind{mark_kind::ids};
  std::uint64_t value{0};
};

using known_queues = boost::unordered_flat_set<queue_number>;

/// What is read of a body.
enum class body_part {
  bytes,   ///< all of it, to be verified
  length,  ///< type and length: they stand at the head of a row, so SQLite does not read the pages of a long body
  /// All of it, unless it has more than `large_body_bytes`. Then, or when it is not a blob, `job_row::body_left` is
  /// set, and the row must be read again with `length`, which finds out.
  bytes_unless_large,
};

/// The statement that gives all queues; `read_queue` takes its rows.
inline constexpr std::string_view queue_query =
    "SELECT number, name, paused_until, paused_for FROM queue ORDER BY number";
[[nodiscard]] result<> read_queue(sqlite::row_values& from, duration wall_offset, kept_queue& into);

/// The statement that gives jobs; `condition` follows the name of the table. `version` is that of the tables: version 1
/// has no checksums.
/// Requires: for version 1, `define_checksum` was called on the connection.
[[nodiscard]] std::string job_query(body_part part, std::string_view condition, std::int64_t version);
/// The same for tables of the present version, with each row as the arguments of `function`.
[[nodiscard]] std::string job_query(std::string_view function, body_part part, std::string_view condition);
/// The columns with numbers at the beginning of a row of that statement, each within its range.
class job_numbers {
 public:
  static constexpr std::size_t count = 10;

  [[nodiscard]] result<> read(sqlite::row_values& from);
  [[nodiscard]] std::int64_t id() const noexcept { return value_[0]; }
  [[nodiscard]] bool is_buried() const noexcept;
  [[nodiscard]] std::uint64_t bury_sequence() const noexcept;
  /// All of it but the body goes into `into`.
  void copy_to(job_row& into, duration wall_offset) const noexcept;

 private:
  std::array<std::int64_t, count> value_;
};

/// `queues`: those of the file; nullptr: the job's queue is not looked up.
[[nodiscard]] result<> read_job(sqlite::row_values& from, body_part part, const known_queues* queues,
                                duration wall_offset, job_row& into);
/// The same for a row whose `numbers` have been read.
[[nodiscard]] result<> read_job(sqlite::row_values& from, const job_numbers& numbers, body_part part,
                                const known_queues* queues, duration wall_offset, job_row& into);

/// The bytes of a body that was read by itself, against the checksum of its row.
[[nodiscard]] result<> check_body(const job_row& row, std::string_view bytes);

inline constexpr std::string_view position_query =
    "SELECT producer, kind, place, checksum, bodies FROM source_position ORDER BY producer";
[[nodiscard]] result<> read_position(sqlite::row_values& from, kept_position& into);

inline constexpr std::string_view mark_query = "SELECT name, value FROM mark";
[[nodiscard]] result<> read_mark(sqlite::row_values& from, mark_row& into);

}  // namespace millrace::store
