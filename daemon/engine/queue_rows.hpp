#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <millrace/base/ids.hpp>
#include <millrace/base/time.hpp>

#include "engine/queue_counts.hpp"

namespace millrace::engine {

/// The name under which metrics show all queues without a row. A queue of this name never has a row.
inline constexpr std::string_view other_queues_name = "__other__";

/// What metrics show under the name of one queue. The shown count is `before` plus the count of the living queue.
struct queue_row {
  std::string name;       ///< empty: this entry is free
  queue_id queue;         ///< the living queue; none: it was removed at `removed_at`
  instant removed_at{};   ///< when `queue` is none
  queue_counts before;    ///< counted by earlier queues of this name
  queue_timings timings;  ///< of all queues of this name
};

/// Decides which queues have a row of their own in the metrics, and keeps the rows of removed queues for a while.
///
/// A queue gets its row when it is created, or never: so each event is counted in exactly one series. The row of a
/// removed queue stays for `linger`, and a queue of the same name that is created meanwhile continues it. While all
/// rows are in use, new queues have none.
///
/// Owned by the engine. Memory: `rows_max` rows of about 7 kB.
class queue_rows {
 public:
  using index = std::uint16_t;
  static constexpr index none = UINT16_MAX;

  /// Requires: rows_max < 65,535.
  queue_rows(std::uint32_t rows_max, duration linger) : rows_max_{rows_max}, linger_{linger} {}

  void set_linger(duration linger) noexcept { linger_ = linger; }

  /// The row of a queue that is created now; `none` if it has none.
  [[nodiscard]] index assign(std::string_view name, queue_id queue, instant now);
  /// The queue of that row is removed, having counted `counts`.
  void retire(index row, const queue_counts& counts, instant now);

  [[nodiscard]] queue_timings& timings(index row) noexcept { return rows_[row].timings; }
  [[nodiscard]] const queue_timings& timings(index row) const noexcept { return rows_[row].timings; }
  /// Some may be free or over.
  [[nodiscard]] std::span<const queue_row> all() const noexcept { return rows_; }
  /// Whether metrics show the row: its queue lives, or was removed less than `linger` ago.
  [[nodiscard]] bool shown(const queue_row& row, instant now) const noexcept;

 private:
  std::vector<queue_row> rows_;
  std::uint32_t rows_max_;
  duration linger_;
};

/// Adds each counter of `source` to the same one of `to`.
void add_counts(queue_counts& to, const queue_counts& source) noexcept;

}  // namespace millrace::engine
